/** A full disk has one name wherever it is met, and passes once somebody has made room on it. */
import { Fault } from './fault.ts'

/** Node's word for it, and PostgreSQL's. */
const codes: readonly unknown[] = ['ENOSPC', '53100']

/** Undefined where the error says something else. `what` could not be done, or was not written. */
export function diskFull(error: unknown, what?: string): Fault | undefined {
  if (!codes.includes((error as { readonly code?: unknown } | null)?.code)) return undefined
  const message = 'the disk is full: make room on it'
  const told = what === undefined ? message : `${what}: ${message}`
  return new Fault('disk.full', told, { retryable: true, cause: error })
}
