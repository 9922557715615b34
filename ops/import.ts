/**
 * History from a file into the store: candles as they are, or folded from trades. What is stored already stays as it is,
 * but for what is on record as missing: without a running daemon that heals.
 */
import type { Candle } from '../streams/candles/candle.ts'
import { filled } from '../streams/candles/fill.ts'
import { candlesFromTrades } from '../streams/candles/from-trades.ts'
import type { Span } from '../streams/candles/spans.ts'
import type { Coin } from '../streams/coin.ts'
import { inOrder } from '../streams/files/in-order.ts'
import { candlesOf, type MarketFile, openMarketFile } from '../streams/files/market-file.ts'
import { iso, type Millis, wallClock } from '../streams/time.ts'
import type { ImportOptions } from './cli/world.ts'
import { closeGaps, overMissing, writeOverMissing } from './store/ledger/heal-missing.ts'
import { openStoreWork } from './store-work.ts'

export interface ImportReport {
  readonly rows: number
  readonly from: string | null
  readonly to: string | null
  /** Stretches without trades. */
  readonly gaps: number
  /** Candles that were on record as missing. */
  readonly healed: number
  /** Such that stay so, because a daemon is running, which would go on without them. */
  readonly missing: number
}

export async function importFile(options: ImportOptions): Promise<ImportReport> {
  const { coin, config, file: path } = options
  const intervalMs = config.market.interval
  // All of it is read before any of it is written: a file that is wrong further down must leave nothing behind.
  const file = await inOrder(await openMarketFile(path, { intervalMs, coin }), intervalMs)
  const work = await openStoreWork(options.dataPath, config, { mayMake: true })
  try {
    const lease = await work.lease()
    const writer = work.store.writer(lease, () => wallClock.now())
    let rows = 0
    let gaps = 0
    let missing = 0
    let from: Millis | undefined
    let to: Millis | undefined
    let wasEmpty = false
    /** Of which the file knows what was traded. */
    const told: Span[] = []
    const range = { from: 0, to: 0, existed: false }
    for await (const candles of filled(coin, intervalMs, range, pagesOf(file, coin, intervalMs))) {
      for (const { state, openAt } of candles) {
        if (state === 'empty' && !wasEmpty) gaps++
        wasEmpty = state === 'empty'
        if (state !== 'empty' && state !== 'missing') rows++
        from ??= openAt
        to = openAt + intervalMs
        if (state !== 'missing') extend(told, { from: openAt, to })
      }
      await writer.writeHistory(candles)
      const whole = candles.filter(({ state }) => state !== 'missing')
      const known = await overMissing(work.store, coin, whole)
      if (lease.isOurs) await writeOverMissing(work.store, writer, coin, known)
      missing += known.length
      options.progress(rows, rows)
    }
    if (lease.isOurs) for (const stretch of told) await closeGaps(work.store, writer, coin, stretch)
    return {
      rows,
      from: from === undefined ? null : iso(from),
      to: to === undefined ? null : iso(to),
      gaps,
      healed: lease.isOurs ? missing : 0,
      missing: lease.isOurs ? 0 : missing,
    }
  } finally {
    await work.close()
  }
}

function extend(spans: Span[], { from, to }: Span): void {
  const last = spans.at(-1)
  if (last?.to === from) spans[spans.length - 1] = { from: last.from, to }
  else spans.push({ from, to })
}

async function* pagesOf(
  file: MarketFile,
  coin: Coin,
  intervalMs: Millis,
): AsyncGenerator<readonly Candle[]> {
  switch (file.kind) {
    case 'candles':
      for await (const bars of file.pages()) yield candlesOf(bars, coin)
      return
    case 'trades':
      yield* candlesFromTrades({ coin, intervalMs }, file.pages())
  }
}
