import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CandleRead } from '../../../../ops/store/reads/reads.ts'
import type { Candle } from '../../../../streams/candles/candle.ts'
import { type Coin, parseCoin } from '../../../../streams/coin.ts'
import { dayMs, floorTo, hourMs, type Millis, minuteMs } from '../../../../streams/time.ts'
import { blank, btc, candle, eth, noon, openTestStore } from '../../../support/store/database.ts'

const minutes = 130

/** Amounts are exact in binary, so that a sum is the same in any order. */
const somePart = fc
  .record({
    i: fc.integer({ min: 0, max: minutes - 1 }),
    kind: fc.constantFrom('traded', 'traded', 'traded', 'empty', 'missing'),
    price: fc.integer({ min: 1, max: 4_000 }),
    volume: fc.integer({ min: 1, max: 64 }).map((n) => n / 8),
    revision: fc.integer({ min: 0, max: 2 }),
  })
  .map(({ i, kind, price, volume, revision }): Candle => {
    if (kind === 'empty' || kind === 'missing') return blank(i, kind, { revision })
    const state = revision > 0 ? 'corrected' : 'final'
    const prices = { open: price, high: price + 2, low: price - 0.5, close: price + 1 }
    return candle(i, { state, revision, volume, ...prices })
  })

/** Candles in the order in which they are written, some of them twice. */
const someWrites = fc
  .uniqueArray(somePart, { minLength: 1, maxLength: 60, selector: (it) => key(it) })
  .chain((parts) => {
    const all = [...parts, ...parts.slice(0, 9)]
    return fc.shuffledSubarray(all, { minLength: all.length })
  })

test('a larger candle is the fold of its set: in any order, any batches and with any repetition', async () => {
  const store = await openTestStore()
  let coins = 0
  await fc.assert(
    fc.asyncProperty(someWrites, fc.integer({ min: 1, max: 20 }), async (writes, batch) => {
      const coin = parseCoin(`C${coins++}/USDT`) as Coin
      // The one behind them all closes every larger candle but its own.
      const all = [...writes, candle(minutes)].map((it) => ({ ...it, coin }))
      for (let i = 0; i < all.length; i += batch)
        await store.write.commit(
          all.slice(i, i + batch).map((it) => ({ type: 'candle', candle: it })),
          () => noon,
        )
      for (const intervalMs of [5 * minuteMs, 15 * minuteMs, hourMs]) {
        const { items } = await store.reads.candles(coin, intervalMs, { limit: 200 })
        assert.deepEqual(items.toReversed(), folded(all, intervalMs))
      }
    }),
    { numRuns: 30 },
  )
})

test('candles are counted by the ends of what each month has, months without any not at all', async () => {
  const store = await openTestStore()
  const dayOf = dayMs / minuteMs
  const monthEnd = 29 * dayOf - 12 * 60
  // Over the end of June 2026, a stretch that was never stored inside of July, and one in October.
  const kept = [monthEnd - 2, monthEnd - 1, monthEnd, monthEnd + 1, monthEnd + 9, 120 * dayOf]
  await store.write.writeHistory(kept.map((i) => candle(i)))
  await store.write.writeHistory([candle(7, { coin: eth })])
  assert.equal(new Date(noon + monthEnd * minuteMs).toISOString(), '2026-07-01T00:00:00.000Z')
  const span = (first: number, last: number) => ({
    from: noon + first * minuteMs,
    to: noon + (last + 1) * minuteMs,
  })
  assert.deepEqual(await store.reads.candleCounts(), [
    { coin: btc, candles: 2 + 10 + 1, gaps: 0, ...span(monthEnd - 2, 120 * dayOf) },
    { coin: eth, candles: 1, gaps: 0, ...span(7, 7) },
  ])
})

test('a coin has candles once one is stored; being named is not enough', async () => {
  const store = await openTestStore()
  await store.write.commit([{ type: 'position', coin: eth, at: noon }], () => noon)
  await store.write.commit([{ type: 'candle', candle: candle(0) }], () => noon)
  const unheard = parseCoin('XRP/USDT') as Coin
  const found = [btc, eth, unheard].map((coin) => store.reads.hasCandles(coin))
  assert.deepEqual(await Promise.all(found), [true, false, false])
})

function key({ openAt, revision }: Candle): string {
  return `${openAt} ${revision}`
}

/** The plain way: of each minute the newest revision, in order of time. */
function folded(all: readonly Candle[], intervalMs: Millis): readonly CandleRead[] {
  const newest = new Map<Millis, Candle>()
  for (const it of all)
    if (it.revision >= (newest.get(it.openAt)?.revision ?? 0)) newest.set(it.openAt, it)
  const parts = [...newest.values()].sort((a, b) => a.openAt - b.openAt)
  return [...Map.groupBy(parts, ({ openAt }) => floorTo(openAt, intervalMs))]
    .filter(([openAt]) => openAt + intervalMs <= noon + (minutes + 1) * minuteMs)
    .map(([openAt, of]) => larger(openAt, of, intervalMs / minuteMs))
}

function larger(openAt: Millis, parts: readonly Candle[], expected: number): CandleRead {
  const traded = parts.filter(({ open }) => !Number.isNaN(open))
  const known = parts.filter(({ state }) => state !== 'missing')
  const sum = (of: (it: Candle) => number): number => known.reduce((all, it) => all + of(it), 0)
  const blankState = known.length < parts.length ? 'missing' : 'empty'
  const isCorrected = traded.some(({ state }) => state === 'corrected')
  const state = traded.length === 0 ? blankState : isCorrected ? 'corrected' : 'final'
  return {
    openAt,
    open: traded[0]?.open ?? null,
    high: traded.length > 0 ? Math.max(...traded.map(({ high }) => high)) : null,
    low: traded.length > 0 ? Math.min(...traded.map(({ low }) => low)) : null,
    close: traded.at(-1)?.close ?? null,
    volume: sum(({ volume }) => volume),
    trades: known.length > 0 ? sum(({ trades }) => trades) : null,
    state,
    revision: Math.max(...parts.map(({ revision }) => revision)),
    flags: [
      ...(known.length < expected ? ['partial'] : []),
      ...(traded.length === 0 ? [blankState] : []),
    ],
  }
}
