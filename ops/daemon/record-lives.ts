/**
 * Keeps in the store what happens to the daemon itself: the lives of its actors and the letters that nobody took. Neither
 * may ever hold up the fleet, so notes wait in a bounded queue and are written one after the other; while the database is
 * away they wait, and when there are too many the oldest go, counted, as does one that the database will never take.
 */
import { listen, tell } from '../../streams/channels.ts'
import { Fault } from '../../streams/fault.ts'
import { type Clock, wait } from '../../streams/time.ts'
import type { Sql } from '../store/connection.ts'
import { endLivesBefore, keepDeadLetter, noteEnded, noteStarted } from '../store/records.ts'
import type { Log } from '../telemetry/log.ts'

export interface RecordPorts {
  readonly sql: Sql
  readonly clock: Clock
  readonly log: Log
  /** No actor of this daemon has an epoch before it. */
  readonly firstEpoch: number
}

type Note = () => Promise<unknown>

const notesMax = 10_000
const retryMs = 1_000

export function recordLives(ports: RecordPorts): () => void {
  const { sql, clock } = ports
  const notes: Note[] = [() => endLivesBefore(sql, ports.firstEpoch, clock.now())]
  let writing = false
  let stopped = false

  const write = async (): Promise<void> => {
    writing = true
    for (let note = notes[0]; note && !stopped; note = notes[0]) {
      try {
        await note()
        notes.shift()
      } catch (error) {
        if (error instanceof Fault && !error.retryable) {
          ports.log.say('warn', 'records.dropped', { error: error.message })
          tell('queue.dropped', { queue: 'records', count: 1 })
          notes.shift()
          continue
        }
        ports.log.say('debug', 'records.wait', { error: String(error), waiting: notes.length })
        await wait(clock, retryMs)
      }
    }
    writing = false
  }
  const add = (note: Note): void => {
    if (notes.length >= notesMax) {
      notes.splice(1, 1)
      tell('queue.dropped', { queue: 'records', count: 1 })
    }
    notes.push(note)
    if (!writing && !stopped) void write()
  }

  const stops = [
    listen('actor.started', ({ path, epoch }) => {
      const at = clock.now()
      add(() => noteStarted(sql, { path, epoch, at }))
    }),
    listen('actor.ended', ({ epoch, reason }) => {
      const at = clock.now()
      add(() => noteEnded(sql, { epoch, at, reason }))
    }),
    listen('dead.letter', ({ path, reason, message }) => {
      const at = clock.now()
      add(() => keepDeadLetter(sql, { at, path, reason, message }))
    }),
  ]
  void write()
  return () => {
    stopped = true
    for (const stop of stops) stop()
  }
}
