/** What a trainer tells while it works, one JSON object a line on stdout. Any line is a sign of life; one comes every 5 s. */
import type { Trial } from './request.ts'

export type TrainerEvent =
  | { readonly type: 'started'; readonly trainer: string; readonly device: string }
  | {
      readonly type: 'progress'
      /** What is counted: `read`, `epoch`, `round`, `trial`, `export` … */
      readonly part: string
      readonly done: number
      readonly of: number
      readonly loss: number | null
      readonly secondsLeft: number | null
    }
  | ({ readonly type: 'trial' } & Trial)
  | { readonly type: 'warning'; readonly text: string }
  /** Followed by a non-zero exit. `code` is stable: `data.one_class`, `data.too_few`, `model.not_finite` … */
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'done' }
