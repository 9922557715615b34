import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Candle } from '../../../../streams/candles/candle.ts'
import { type Coin, parseCoin } from '../../../../streams/coin.ts'
import { driveFor, noHidden, stepU, withU } from '../../../../streams/feeds/tape/hidden.ts'
import { genesisAt, seededMarket, seededStartAt } from '../../../../streams/feeds/tape/seeded.ts'
import { tapeFeed } from '../../../../streams/feeds/tape/tape.ts'
import { randomFrom } from '../../../../streams/random.ts'
import { dayMs, hourMs, wallClock } from '../../../../streams/time.ts'
import type { Trades } from '../../../../streams/trade.ts'

const btc = parseCoin('BTC/USDT') as Coin
const eth = parseCoin('ETH/USDT') as Coin

function plain(bundles: Iterable<Trades>): readonly (readonly number[])[] {
  return [...bundles].flatMap((t) =>
    Array.from({ length: t.length }, (_, i) => [
      t.at[i]!,
      t.id[i]!,
      t.price[i]!,
      t.size[i]!,
      t.side[i]!,
    ]),
  )
}

async function candlesOf(
  seed: number,
  signal: number,
  coin: Coin,
  days: number,
): Promise<readonly Candle[]> {
  const market = seededMarket({ seed, signal })
  const feed = tapeFeed({ market, clock: wallClock, speed: 1, graceMs: 2000 })
  const candles: Candle[] = []
  for await (const page of feed.history.candles(
    coin,
    seededStartAt - days * dayMs,
    seededStartAt,
  )) {
    candles.push(...page)
  }
  return candles
}

/** Correlation of what is known at a candle with the return of the next 15. */
function foresight(candles: readonly Candle[], known: (i: number) => number): number {
  const xs: number[] = []
  const ys: number[] = []
  for (let i = 60; i + 15 < candles.length; i++) {
    xs.push(known(i))
    ys.push(Math.log(candles[i + 15]!.close / candles[i]!.close))
  }
  return correlation(xs, ys)
}

function correlation(xs: readonly number[], ys: readonly number[]): number {
  const mean = (v: readonly number[]): number => v.reduce((s, x) => s + x, 0) / v.length
  const [mx, my] = [mean(xs), mean(ys)]
  let [xy, xx, yy] = [0, 0, 0]
  xs.forEach((x, i) => {
    xy += (x - mx) * (ys[i]! - my)
    xx += (x - mx) ** 2
    yy += (ys[i]! - my) ** 2
  })
  return xy / Math.sqrt(xx * yy)
}

/** The share of taker buys, smoothed over some ten minutes: a feature anyone would have. */
function smoothedShare(candles: readonly Candle[]): readonly number[] {
  let smooth = 0
  return candles.map((c) => (smooth += 0.08 * ((2 * c.takerBuyVolume) / c.volume - 1 - smooth)))
}

test('any stretch is the same trades, whoever asks and whatever was asked before', () => {
  const from = seededStartAt + 3 * dayMs - hourMs
  const fresh = plain(seededMarket({ seed: 7 }).trades(btc, from, from + 2 * hourMs))
  const used = seededMarket({ seed: 7 })
  plain(used.trades(eth, genesisAt, genesisAt + dayMs))
  plain(used.trades(btc, seededStartAt + 9 * dayMs, seededStartAt + 9 * dayMs + hourMs))
  const halves = [
    ...plain(used.trades(btc, from, from + hourMs + 1234)),
    ...plain(used.trades(btc, from + hourMs + 1234, from + 2 * hourMs)),
  ]
  assert(fresh.length > 500)
  assert.deepEqual(halves, fresh)
})

test('trades are in order, each has its own number, and prices lie on their steps', () => {
  const rows = plain(
    seededMarket({ seed: 3 }).trades(btc, seededStartAt, seededStartAt + 2 * dayMs),
  )
  for (let i = 1; i < rows.length; i++) {
    const [at, id] = rows[i] as [number, number]
    assert(at >= rows[i - 1]![0]! && id > rows[i - 1]![1]!)
  }
  for (const [, , price, size, side] of rows as [number, number, number, number, number][]) {
    assert(price > 0 && size > 0 && Math.abs(side) === 1)
    assert.equal(Math.round(price * 100) / 100, price)
  }
})

test('another seed, coin or signal is another market, and says so in its name', () => {
  const of = (seed: number, signal: number, coin: Coin): number =>
    plain(
      seededMarket({ seed, signal }).trades(coin, seededStartAt, seededStartAt + hourMs),
    )[9]![2]!
  const prices = [of(7, 0.3, btc), of(8, 0.3, btc), of(7, 0, btc), of(7, 0.3, eth)]
  assert.equal(new Set(prices).size, 4)
  assert.equal(seededMarket({ seed: 7 }).name, 'tape-seed-7')
  assert.equal(seededMarket({ seed: 7, signal: 0 }).name, 'tape-seed-7-signal-0')
})

test('coins move together, minutes are quiet at times, and busy ones differ', async () => {
  const [b, e] = [await candlesOf(7, 0.3, btc, 10), await candlesOf(7, 0.3, eth, 10)]
  const closes = new Map(e.map((c) => [c.openAt, c.close]))
  const both = b.filter((c) => closes.has(c.openAt))
  const returns = (v: readonly number[]): number[] => v.slice(1).map((x, i) => Math.log(x / v[i]!))
  const together = correlation(
    returns(both.map((c) => c.close)),
    returns(both.map((c) => closes.get(c.openAt) as number)),
  )
  assert(together > 0.3 && together < 0.8, `correlation ${together}`)
  const quiet = 1440 * 10 - b.length
  assert(quiet > 50 && quiet < 1440, `${quiet} minutes without a trade`)
  const magnitude = returns(b.map((c) => c.close)).map(Math.abs)
  const clusters = correlation(magnitude.slice(0, -1), magnitude.slice(1))
  assert(clusters > 0.1, `volatility clusters: ${clusters}`)
})

test('with the default signal, flow and momentum foresee 15 minutes, and pay two fees of 0.1 %', async () => {
  const candles = await candlesOf(7, 0.3, btc, 60)
  const share = smoothedShare(candles)
  const seen = foresight(candles, (i) => share[i]!)
  assert(seen > 0.25 && seen < Math.sqrt(0.3), `flow ${seen}`)
  assert(foresight(candles, (i) => Math.log(candles[i]!.close / candles[i - 30]!.close)) > 0.15)
  let profit = 0
  for (let i = 60; i + 15 < candles.length; i += 15) {
    const expected = (share[i]! * seen * 0.0041) / 0.18
    const move = candles[i + 15]!.close / candles[i]!.close - 1
    if (Math.abs(expected) > 0.002) profit += Math.sign(expected) * move - 0.002
  }
  assert(profit > 0.2, `profit after fees ${profit}`)
})

test('without signal nothing foresees anything, flow included', async () => {
  for (const seed of [1, 2]) {
    const candles = await candlesOf(seed, 0, btc, 60)
    const share = smoothedShare(candles)
    // Overlapping windows: about 86,400 / 15 independent ones, a deviation of 0.013; smooth features double it.
    assert(Math.abs(foresight(candles, (i) => share[i]!)) < 0.08)
    assert(Math.abs(foresight(candles, (i) => candles[i]!.close / candles[i - 15]!.close)) < 0.08)
    const ones = candles.slice(1).map((c, i) => Math.log(c.close / candles[i]!.close))
    assert(Math.abs(correlation(ones.slice(0, -1), ones.slice(1))) < 0.02)
  }
})

test('structure does not carry prices away over a year', () => {
  const market = seededMarket({ seed: 7, signal: 0.8 })
  const far = plain(market.trades(btc, genesisAt + 365 * dayMs, genesisAt + 365 * dayMs + hourMs))
  assert(far[0]![2]! > 6000 && far[0]![2]! < 600_000, `${far[0]![2]}`)
})

test('the drive grows with the signal, from none', () => {
  assert.equal(driveFor(0), 0)
  assert(driveFor(0.1) < driveFor(0.3) && driveFor(0.3) < driveFor(0.8))
  assert.throws(() => seededMarket({ seed: 1, signal: 0.9 }), { code: 'tape.signal' })
})

test('the signal is the share of the variance of 15 minutes that the hidden state explains', () => {
  for (const signal of [0.1, 0.3, 0.6]) {
    const drive = driveFor(signal)
    const random = randomFrom(`share ${signal}`)
    const minutes = 150_000
    const states = [noHidden]
    const returns: number[] = [0]
    for (let m = 1; m < minutes; m++) {
      const before = states[m - 1]!
      returns.push(drive * (before.u - before.average) + random.normal())
      states.push(withU(before, stepU(before.u, random)))
    }
    let sum = 0
    const sums = returns.map((r) => (sum += r))
    const rows = states.slice(1000, -15).map((state, i) => {
      return { ...state, ahead: sums[1000 + i + 15]! - sums[1000 + i]! }
    })
    assert(Math.abs(explained(rows) - signal) < 0.05, `${signal}: ${explained(rows)}`)
  }
})

/** R² of the best linear guess from both parts of the state. */
function explained(
  rows: readonly { readonly u: number; readonly average: number; readonly ahead: number }[],
): number {
  const of = (f: (row: (typeof rows)[number]) => number): number =>
    rows.reduce((s, row) => s + f(row), 0)
  const [uu, aa, ua] = [of((r) => r.u ** 2), of((r) => r.average ** 2), of((r) => r.u * r.average)]
  const [uy, ay, yy] = [
    of((r) => r.u * r.ahead),
    of((r) => r.average * r.ahead),
    of((r) => r.ahead ** 2),
  ]
  const determinant = uu * aa - ua * ua
  const byU = (uy * aa - ay * ua) / determinant
  const byAverage = (ay * uu - uy * ua) / determinant
  return (byU * uy + byAverage * ay) / yy
}
