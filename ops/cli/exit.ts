/** What a command's end means to a script. */
import { Fault } from '../../streams/fault.ts'

export const exitCodes = {
  done: 0,
  /** Failed, or a check did not hold. */
  failed: 1,
  usage: 2,
  /** No daemon is running, or it has only just begun to start. */
  absent: 3,
  configuration: 4,
  timedOut: 5,
} as const

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof Fault)) return exitCodes.failed
  if (/^(usage|query)\./.test(error.code)) return exitCodes.usage
  if (error.code.startsWith('config.')) return exitCodes.configuration
  if (error.code === 'daemon.absent' || error.code === 'daemon.starting') return exitCodes.absent
  if (error.code === 'daemon.timeout') return exitCodes.timedOut
  return exitCodes.failed
}
