/** What must be done from time to time around the fleet: the lease renewed, parts made ahead and dropped, the disk looked at. */
import { tell } from '../../streams/channels.ts'
import { Fault } from '../../streams/fault.ts'
import { type Clock, hourMs, type Millis } from '../../streams/time.ts'
import type { Config } from '../config/schema.ts'
import { every } from '../every.ts'
import { type DataDirectory, freeBytes, lowBytes } from '../store/data-directory.ts'
import { type Lease, leaseMs } from '../store/lease.ts'
import { retain } from '../store/ledger/retention.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'

export interface ChorePorts {
  readonly clock: Clock
  readonly store: Store
  readonly lease: Lease
  readonly log: Log
  readonly directory: DataDirectory
  readonly keep: Config['store']['keep']
  readonly marketNow: () => Millis
  /** Another daemon has taken over: this one must not go on. */
  readonly lost: (reason: string) => void
}

/** How often the disk is looked at: a database can fill the last gibibytes in a minute. */
const diskEveryMs = 5_000

export function keepHouse(ports: ChorePorts): () => void {
  const { clock, store, lease, log } = ports
  const chores = [
    every(
      clock,
      leaseMs / 3,
      () => lease.renew(),
      (error) => {
        if (error instanceof Fault && error.code === 'lease.lost') ports.lost(error.message)
        else log.say('warn', 'lease.unrenewed', { error: String(error) })
      },
    ),
    every(
      clock,
      hourMs / 60,
      () => store.prepareParts(ports.marketNow()),
      (error) => log.say('warn', 'parts.unprepared', { error: String(error) }),
    ),
    every(
      clock,
      hourMs / 4,
      () => retain(store, ports.keep, ports.marketNow()),
      (error) => log.say('warn', 'retention.failed', { error: String(error) }),
    ),
    every(
      clock,
      diskEveryMs,
      async () => lookAtDisk(ports),
      (error) => log.say('warn', 'disk.unknown', { error: String(error) }),
    ),
  ]
  return () => {
    for (const stop of chores) stop()
  }
}

function lookAtDisk({ directory, log }: ChorePorts): void {
  const bytes = freeBytes(directory)
  const isLow = bytes < lowBytes(directory)
  if (isLow) log.say('warn', 'disk.low', { bytes })
  tell('disk.looked_at', { freeBytes: bytes, isLow })
}
