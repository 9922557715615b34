/** What a trainer tells while it works, one JSON object a line on stdout. Any line is a sign of life; one comes every 5 s. */
import { z } from 'zod'

export const settings = z.record(z.string(), z.union([z.number(), z.string(), z.boolean()]))

export const trialSchema = z.strictObject({
  number: z.int().min(0),
  settings,
  /** On the validation rows; null where it was pruned before it had one. */
  loss: z.number().nullable(),
  state: z.enum(['complete', 'pruned', 'failed']),
})

export const trainerEvent = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('started'), trainer: z.string(), device: z.string() }),
  z.looseObject({
    type: z.literal('progress'),
    /** What is counted: `read`, `epoch`, `round`, `trial`, `export` … */
    part: z.string(),
    done: z.number(),
    of: z.number(),
    loss: z.number().nullable(),
    secondsLeft: z.number().nullable(),
  }),
  z.looseObject({ type: z.literal('trial'), ...trialSchema.shape }),
  z.looseObject({ type: z.literal('warning'), text: z.string() }),
  /** Followed by a non-zero exit. `code` is stable: `data.one_class`, `data.too_few`, `model.not_finite` … */
  z.looseObject({
    type: z.literal('failed'),
    code: z.string().regex(/^[a-z_]+\.[a-z_]+$/),
    message: z.string(),
  }),
  z.looseObject({ type: z.literal('done') }),
])

export type TrainerEvent = z.infer<typeof trainerEvent>
