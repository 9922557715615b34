/** A start can be broken off: an exchange that does not answer, or another daemon's lease, may be waited for without end. */
import { Fault } from '../../streams/fault.ts'

export const interruptedCode = 'daemon.interrupted'

/** What is under way is left as it is; whoever hears of the `Fault` undoes what was done before. */
export function orInterrupted<T>(work: Promise<T>, interrupted: Promise<unknown>): Promise<T> {
  const broken = interrupted.then(() => {
    throw new Fault(interruptedCode, 'it was told to stop while it was starting')
  })
  // What fails after it was left is nobody's any more.
  work.catch(() => {})
  return Promise.race([work, broken])
}
