/**
 * The wall clock as a process lives it: however long it was kept from running, that counts as a moment. Exchange and feed
 * in one process read it, so that none of them ever tells a time before what had come by then is read from the sockets.
 */
import { type Clock, wallClock } from '../../streams/time.ts'

/** A turn of the event loop counts for so much at most. */
const momentMsMax = 50
const lookMs = 10

let now = wallClock.now()
let lookedAt = now
setInterval(() => {
  const wall = wallClock.now()
  now += Math.min(Math.max(0, wall - lookedAt), momentMsMax)
  lookedAt = wall
}, lookMs).unref()

export const steadyClock: Clock = {
  now: () => now,
  schedule: wallClock.schedule.bind(wallClock),
}
