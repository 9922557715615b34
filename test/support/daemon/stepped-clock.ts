/**
 * Loaded into a daemon before anything else, so that a test may set its wall clock: `Date` jumps and timers go on, which
 * is all that a process sees when an administrator or NTP steps a machine's clock. The offset stands in the file that
 * STARLING_TEST_CLOCK names and is read at the start and on SIGUSR2; `/proc`, the database and the exchange keep their own time.
 */
import { readFileSync } from 'node:fs'

const file = process.env.STARLING_TEST_CLOCK as string
const RealDate = Date
const realNow = Date.now
let offsetMs = Number(readFileSync(file, 'utf8'))

globalThis.Date = class extends RealDate {
  constructor(...args: readonly unknown[]) {
    if (args.length === 0) super(realNow() + offsetMs)
    else super(...(args as [number]))
  }

  static override now(): number {
    return realNow() + offsetMs
  }
} as DateConstructor

process.on('SIGUSR2', () => {
  offsetMs = Number(readFileSync(file, 'utf8'))
})
