/** What PostgreSQL and its socket say, as Faults: whether the same call may succeed later is all the floors above ask. */
import { diskFull } from '../../streams/disk-full.ts'
import { Fault } from '../../streams/fault.ts'

/** SQLSTATEs and classes after which the same transaction may simply be made again. */
const retryableStates = /^(08|53|57P0|40001|40P01|55P03|57014|25006)/
/** Of a statement its own fault; with FATAL a database that takes no connections now (`allow_connections false`). */
const notNow = '55000'
const retryableSocket = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'CONNECT_TIMEOUT',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
])

export function storeFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  const {
    code = '',
    message = String(error),
    severity,
  } = (error ?? {}) as { code?: string; message?: string; severity?: string }
  const because = { cause: error }
  const full = diskFull(error, 'PostgreSQL')
  if (full) return full
  const isRefused = code === notNow && severity === 'FATAL'
  if (isRefused || retryableSocket.has(code) || retryableStates.test(code))
    return new Fault('store.unavailable', `PostgreSQL is not to be had now: ${message}`, {
      ...because,
      retryable: true,
    })
  if (/^2[23]/.test(code))
    return new Fault('store.constraint', `PostgreSQL refuses a row: ${message}`, because)
  if (code === '42501' || code.startsWith('28'))
    return new Fault('store.forbidden', `PostgreSQL does not allow this: ${message}`, because)
  return new Fault('store.failed', `PostgreSQL: ${message}`, because)
}

/** A call whose trouble comes out as a Fault. */
export async function faulted<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw storeFault(error)
  }
}
