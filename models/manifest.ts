/**
 * What an artifact says about itself: `manifest.json`, format `starling-model/1`. Parsed once, here; a wrong field is named
 * in the refusal. Keys that are not known are kept, so that a newer trainer's notes survive.
 */
import { z } from 'zod'
import { type Coin, parseCoin } from '../streams/coin.ts'
import { Fault } from '../streams/fault.ts'
import { type Millis, parseDuration } from '../streams/time.ts'
import { isFamilyName } from './version.ts'

const text = z.string().min(1).max(200)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits')
const named = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256: and 64 hexadecimal digits')
const finite = z.number()
const whole = z.number().int()
const instant = z.iso.datetime({ offset: true })
const interval = z
  .string()
  .refine((it) => (parseDuration(it) ?? 0) > 0, 'expected an interval such as 1m')
const coinName = z
  .string()
  .refine((it) => parseCoin(it) !== undefined, 'expected a coin such as BTC/USDT')

/** `a/b.onnx`: relative, plain letters, no step upwards; so a path can neither leave its folder nor hide. */
export const plainPath = /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/
const filePath = z.string().max(120).regex(plainPath, 'is not a plain path')

/** The columns of a row or window, in the order in which the tensor has them. */
const columns = z
  .array(text)
  .min(1)
  .max(4096)
  .refine((it) => new Set(it).size === it.length, 'names a column twice')

const rowInput = z.looseObject({
  tensor: text,
  kind: z.literal('row'),
  length: z.literal(1),
  columns,
  featureSet: named,
})
const windowInput = z.looseObject({
  tensor: text,
  kind: z.literal('window'),
  length: whole.min(1).max(10_000),
  columns,
  featureSet: named,
})
/** Token ids, padded to `length`; `mask` names the tensor that says which of them count. */
const textInput = z.looseObject({
  tensor: text,
  kind: z.literal('text'),
  length: whole.min(1).max(10_000),
  mask: text.optional(),
})

const bounds = { up: finite.positive(), down: finite.negative() }
/** Candles just past whose movement is the measure. */
const lookback = whole.min(2).max(100_000)

/**
 * What was to be learnt; `label.ts` says how each is computed. `threshold`: the class of the return over the horizon.
 * `scaled_threshold`: the same with thresholds in deviations of what the movement just past lets one expect.
 * `triple_barrier`: which threshold is touched first, fixed or, with a lookback, in deviations. `return`: the return
 * itself, with the values from which it counts as a signal. `volatility`: how much the price moves, so never a signal.
 */
export const labelSchema = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('threshold'), ...bounds }),
  z.looseObject({ kind: z.literal('scaled_threshold'), ...bounds, lookback }),
  z.looseObject({
    kind: z.literal('triple_barrier'),
    ...bounds,
    lookback: lookback.optional(),
    timeout: z.enum(['hold', 'sign']).default('hold'),
  }),
  z.looseObject({ kind: z.literal('return'), ...bounds }),
  z.looseObject({ kind: z.literal('volatility') }),
])

/** How probabilities become a signal; `argmax` where nothing is said. See `signal.ts`. */
const decision = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('argmax') }),
  z.looseObject({
    kind: z.literal('threshold'),
    buy: finite.gt(0).max(1),
    sell: finite.gt(0).max(1),
  }),
])

const manifest = z
  .looseObject({
    format: z.literal('starling-model/1'),
    family: z.string().refine(isFamilyName, 'expected a family name such as lightgbm'),
    coin: z.union([z.literal('*'), coinName]),
    interval,
    horizonCandles: whole.min(1).max(100_000),
    task: z.enum(['classify', 'regress']),
    /** The order of the output's columns. */
    classes: z.array(z.enum(['sell', 'hold', 'buy'])).optional(),
    label: labelSchema,
    decision: decision.optional(),
    input: z.discriminatedUnion('kind', [rowInput, windowInput, textInput]),
    output: z.looseObject({
      tensor: text,
      kind: z.enum(['probabilities', 'logits', 'value']),
    }),
    trained: z.looseObject({
      from: instant,
      to: instant,
      rows: whole.min(0),
      purgeCandles: whole.min(0),
      seed: whole.optional(),
      markets: z
        .array(z.looseObject({ source: text, coin: coinName, from: instant, to: instant }))
        .min(1),
      device: text.optional(),
      seconds: finite.optional(),
      dataset: named.optional(),
      trainer: text,
    }),
    files: z.record(filePath, z.looseObject({ bytes: whole.min(0), sha256 })),
  })
  .superRefine((it, context) => {
    const refuse = (path: string[], message: string): void =>
      context.addIssue({ code: 'custom', path, message })
    for (const name of requiredFiles) {
      if (!(name in it.files)) refuse(['files'], `does not name ${name}`)
    }
    if (it.task === 'classify') {
      if (it.output.kind === 'value') refuse(['output', 'kind'], 'a classifier has no value')
      if (!hasClasses(it.label)) refuse(['label', 'kind'], 'a classifier has thresholds')
      if (new Set(it.classes).size !== 3 || it.classes?.length !== 3)
        refuse(['classes'], 'expected sell, hold and buy, each once')
    } else {
      if (it.output.kind !== 'value') refuse(['output', 'kind'], 'a regression has a value')
      if (hasClasses(it.label)) refuse(['label', 'kind'], 'a regression has no classes')
    }
  })

function hasClasses({ kind }: z.infer<typeof labelSchema>): boolean {
  return kind === 'threshold' || kind === 'scaled_threshold' || kind === 'triple_barrier'
}

/** Every artifact has these beside its manifest. */
const requiredFiles = ['model.onnx', 'golden.json', 'metrics.json'] as const

export type Manifest = z.infer<typeof manifest>
export type ModelInput = Manifest['input']
export type Label = Manifest['label']

export function parseManifest(bytes: Uint8Array): Manifest {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw new Fault('artifact.manifest', 'manifest.json is not JSON', { cause })
  }
  const parsed = manifest.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const field = issue?.path.join('.') || 'it'
  throw new Fault('artifact.manifest', `manifest.json: ${field}: ${issue?.message}`)
}

/** How many numbers one row of this input takes: a text's ids, and behind them its mask. */
export function inputWidth(input: ModelInput): number {
  switch (input.kind) {
    case 'row':
    case 'window':
      return input.length * input.columns.length
    case 'text':
      return input.length * (input.mask === undefined ? 1 : 2)
  }
}

/** How many numbers it answers for one row. */
export function outputWidth(it: Manifest): number {
  return it.task === 'classify' ? 3 : 1
}

export function intervalMs(it: Manifest): Millis {
  return parseDuration(it.interval) as Millis
}

export function horizonMs(it: Manifest): Millis {
  return it.horizonCandles * intervalMs(it)
}

export interface Range {
  readonly from: Millis
  readonly to: Millis
}

/**
 * The stretches of a market in which this model's answers are `in_sample`: what it was trained on, and the purge on both
 * sides. The price of one asset is the same series on every exchange and against every dollar, so markets are matched by
 * their base alone; a tape is a world of its own.
 */
export function trainingRanges(it: Manifest, source: string, coin: Coin): readonly Range[] {
  const purgeMs = it.trained.purgeCandles * intervalMs(it)
  const base = coin.split('/')[0]
  return it.trained.markets
    .filter((market) => (market.source === 'tape') === (source === 'tape'))
    .filter((market) => market.coin.split('/')[0] === base)
    .map((market) => ({
      from: Date.parse(market.from) - purgeMs,
      to: Date.parse(market.to) + purgeMs,
    }))
}

export function isInSample(ranges: readonly Range[], openAt: Millis): boolean {
  return ranges.some((range) => openAt >= range.from && openAt < range.to)
}
