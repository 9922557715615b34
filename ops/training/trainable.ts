/** What is known of a family before anything of it is trained: whether it can be here, and how much history it wants. */
import type { Trainable } from './training.ts'

/** Less than five days to train, choose and test by says nothing. */
export const candlesMin = 10_080

export function trainableFamily(_family: string): Trainable {
  return { obstacle: 'no trainer yet', candlesMin, candlesMax: 260_000 }
}
