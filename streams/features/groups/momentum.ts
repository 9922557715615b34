/** Oscillators of the close: relative strength, MACD, Elder-ray. */
import { Ema, emaLengths } from '../../indicators/ema.ts'
import { Macd } from '../../indicators/macd.ts'
import { Rsi, wilderLengths } from '../../indicators/rsi.ts'
import { series } from '../block.ts'
import { type Feature, forModels, forPeople, type MakeGroup } from '../feature.ts'

const strengths = [7, 14, 21, 60]
const crossings = [
  [12, 26, 9],
  [7, 14, 9],
] as const
const elder = 13

export const momentum: MakeGroup = (layout) => {
  const rsis = strengths.map((w) => new Rsi(layout, w))
  const macds = crossings.map(([fast, slow, signal]) => new Macd(layout, fast, slow, signal))
  const ema = new Ema(layout, elder)
  const line = series()
  const signal = series()
  const histogram = series()
  return {
    features: [
      ...strengths.map((w) =>
        forModels(
          `rsi_${w}`,
          w * wilderLengths + 1,
          `Relative strength index, Wilder's, over ${w} changes: 0 to 100; 50 when nothing has moved.`,
        ),
      ),
      ...crossings.flatMap(describeMacd),
      forPeople(`elder_bull_${elder}`, elder * emaLengths, `High less the EMA of ${elder} closes.`),
      forPeople(`elder_bear_${elder}`, elder * emaLengths, `Low less the EMA of ${elder} closes.`),
      forModels(
        `elder_bull_ratio_${elder}`,
        elder * emaLengths,
        `elder_bull_${elder} over the close.`,
      ),
      forModels(
        `elder_bear_ratio_${elder}`,
        elder * emaLengths,
        `elder_bear_${elder} over the close.`,
      ),
    ],
    run(s, { length: n, high, low, close }, rows, to, width) {
      let first = to
      for (const rsi of rsis) {
        rsi.run(s, close, n, line)
        let at = first++
        for (let j = 0; j < n; j++, at += width) rows[at] = line[j]!
      }
      for (const macd of macds) {
        macd.run(s, close, n, line, signal, histogram)
        let at = first
        for (let j = 0; j < n; j++, at += width) {
          const inverse = 1 / close[j]!
          rows[at] = line[j]!
          rows[at + 1] = signal[j]!
          rows[at + 2] = histogram[j]!
          rows[at + 3] = line[j]! * inverse
          rows[at + 4] = signal[j]! * inverse
          rows[at + 5] = histogram[j]! * inverse
        }
        first += 6
      }
      ema.run(s, close, n, line)
      let at = first
      for (let j = 0; j < n; j++, at += width) {
        rows[at] = high[j]! - line[j]!
        rows[at + 1] = low[j]! - line[j]!
        rows[at + 2] = (high[j]! - line[j]!) / close[j]!
        rows[at + 3] = (low[j]! - line[j]!) / close[j]!
      }
    },
  }
}

function describeMacd([fast, slow, signal]: readonly [number, number, number]): Feature[] {
  const line = `macd_${fast}_${slow}`
  const warmups = [slow * emaLengths, (slow + signal) * emaLengths] as const
  return [
    forPeople(line, warmups[0], `EMA of ${fast} closes less EMA of ${slow}.`),
    forPeople(`${line}_signal_${signal}`, warmups[1], `EMA of ${signal} of ${line}.`),
    forPeople(`${line}_histogram_${signal}`, warmups[1], `${line} less its signal.`),
    forModels(`${line}_ratio`, warmups[0], `${line} over the close.`),
    forModels(
      `${line}_signal_${signal}_ratio`,
      warmups[1],
      `${line}_signal_${signal} over the close.`,
    ),
    forModels(
      `${line}_histogram_${signal}_ratio`,
      warmups[1],
      `${line}_histogram_${signal} over the close.`,
    ),
  ]
}
