/**
 * Loaded before a daemon: its training is not put together before it has been told that a coin's history is whole, as
 * where the machine is slow. The first that training does is to look for what earlier runs have left.
 */
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { listen } from '../../../streams/channels.ts'

const whole = Promise.withResolvers<void>()
listen('history.fetched', ({ from, goal }) => {
  if (from <= goal) whole.resolve()
})
const { readdir } = promises
const patient = async (path: string, ...options: readonly []): Promise<unknown> => {
  if (/\/training\/[^/]+$/.test(path)) await whole.promise
  return readdir(path, ...options)
}
promises.readdir = patient as typeof readdir
syncBuiltinESMExports()
