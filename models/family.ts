/**
 * A kind of model that can be trained here: a folder under `models/` with its defaults (`family.json`), its trainer, its
 * card (`README.md`) and, where it ships one, its first version (`v1`). A new family is a new folder; nothing else names it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { Fault } from '../streams/fault.ts'
import { durationText, type Millis, parseDuration } from '../streams/time.ts'
import { taskOf } from './label.ts'
import { labelSchema } from './manifest.ts'
import { isFamilyName } from './version.ts'

const duration = z
  .string()
  .transform((text) => parseDuration(text) ?? Number.NaN)
  .refine((ms) => ms > 0, 'expected a duration such as 15m')

const schema = z
  .strictObject({
    /** In one sentence. */
    about: z.string().min(1),
    task: z.enum(['classify', 'regress']),
    label: labelSchema,
    /** How far ahead it looks, unless the configuration says otherwise. */
    horizon: duration,
    input: z.strictObject({
      kind: z.enum(['row', 'window']),
      length: z.int().min(1).max(10_000),
      columns: z.array(z.string()).min(1),
    }),
    trainer: z.discriminatedUnion('runtime', [
      /** A script in its folder. */
      z.strictObject({ runtime: z.literal('node'), entry: z.string().regex(/^[a-z-]+\.ts$/) }),
      /** A script in its folder, over `models/python`, and which of its requirements files it needs. */
      z.strictObject({
        runtime: z.literal('python'),
        entry: z.string().regex(/^[a-z_]+\.py$/),
        requirements: z.enum(['trees', 'torch']),
      }),
    ]),
    /** Its trainer can begin with the weights of an artifact (`warmStart` of its request). */
    warmStart: z.boolean().default(false),
    /** At most so many of the newest training rows. */
    rowsMax: z.int().min(1_000),
    /** Hyper-parameters, handed to the trainer as they are. */
    settings: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
    retrain: duration,
    timeLimit: duration,
    memoryMb: z.int().min(128),
  })
  .superRefine((it, context) => {
    if (it.task !== taskOf(it.label))
      context.addIssue({ code: 'custom', path: ['label'], message: `no label to ${it.task}` })
    if (it.input.kind === 'row' && it.input.length !== 1)
      context.addIssue({
        code: 'custom',
        path: ['input', 'length'],
        message: 'a row is one candle',
      })
  })

export type FamilyDefaults = z.infer<typeof schema>

export interface Family extends FamilyDefaults {
  readonly name: string
  readonly folder: string
}

export const familiesFolder = import.meta.dirname

/** `family.unknown` where there is no such folder: a family from outside is served, and trained by whoever made it. */
export function openFamily(name: string, within = familiesFolder): Family {
  const folder = join(within, name)
  const path = join(folder, 'family.json')
  if (!isFamilyName(name) || !existsSync(path))
    throw new Fault(
      'family.unknown',
      `there is no trainer for ${name}: no models/${name}/family.json`,
    )
  let json: unknown
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new Fault('family.invalid', `models/${name}/family.json is not JSON`, { cause })
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return { ...parsed.data, name, folder }
  const issue = parsed.error.issues[0]
  throw new Fault(
    'family.invalid',
    `models/${name}/family.json: ${issue?.path.join('.')}: ${issue?.message}`,
  )
}

/** All that can be trained here, by name. */
export function families(within = familiesFolder): readonly Family[] {
  return readdirSync(within, { withFileTypes: true })
    .filter((it) => it.isDirectory() && existsSync(join(within, it.name, 'family.json')))
    .map((it) => openFamily(it.name, within))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** Candles of a horizon; a horizon is a whole number of them. */
export function horizonCandles(horizonMs: Millis, intervalMs: Millis): number {
  const candles = horizonMs / intervalMs
  if (Number.isInteger(candles) && candles > 0) return candles
  throw new Fault(
    'family.horizon',
    `${durationText(horizonMs)} is no whole number of candles of ${durationText(intervalMs)}`,
  )
}
