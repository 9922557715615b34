/** A PostgreSQL of a bench's own with one coin's made candles in it, and whoever may write to it; gone when it is closed. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openDataDirectory } from '../../ops/store/data-directory.ts'
import { removeDataDirectory, startServer } from '../../ops/store/embedded/server.ts'
import { acquireLease } from '../../ops/store/lease.ts'
import { openStore, type Store } from '../../ops/store/store.ts'
import { type Coin, parseCoin } from '../../streams/coin.ts'
import { type Millis, minuteMs } from '../../streams/time.ts'
import { madeCandles } from '../streams/features/made-candles.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

export interface MadeStore {
  readonly folder: string
  readonly store: Store
  readonly writer: ReturnType<Store['writer']>
  readonly coin: Coin
  /** Openings of its candles, one a minute. */
  readonly range: { readonly from: Millis; readonly to: Millis }
  /** Candles a second, on their way in. */
  readonly imported: number
  readonly close: () => Promise<void>
}

export async function madeStore(name: string, candles: number): Promise<MadeStore> {
  const folder = temporaryFolder()
  const { path } = openDataDirectory(join(folder, 'data'))
  const server = await startServer(path)
  const store = await openStore({
    address: { type: 'socket', path: server.socket },
    market: `bench-${name}`,
    intervalMs: minuteMs,
  })
  const writer = store.writer(await acquireLease(store.sql, 'fleet', 'bench'), () => 0)
  const coin = parseCoin('BTC/USDT') as Coin
  const history = madeCandles({ seed: name, candles })
  const began = performance.now()
  await writer.writeHistory(history.map((bar) => ({ ...bar, coin, revision: 0 })))
  const imported = (1_000 * candles) / (performance.now() - began)
  const from = history[0]?.openAt as Millis
  return {
    ...{ folder, store, writer, coin, imported },
    range: { from, to: from + candles * minuteMs },
    close: async () => {
      await store.close()
      await server.stop()
      await removeDataDirectory(path)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
