/**
 * What happens, numbered, for whoever watches: the newest deltas are kept so that a reader who was away for a moment goes
 * on where it was. Previews conflate, a coin's newer one takes the place of one not yet sent; every other delta is kept in
 * order. Predictions over history are not told one by one: a backfill makes a hundred thousand. Changes of the tree
 * and of training are published by whoever makes them.
 */
import type { SchedulerLike, Subscription } from 'rxjs'
import { type Happenings, listen } from '../../streams/channels.ts'
import { iso, type Millis } from '../../streams/time.ts'
import { isoOrNull } from './fields.ts'

export type DeltaType =
  | 'candle'
  | 'preview'
  | 'prediction'
  | 'gap'
  | 'swap'
  | 'model'
  | 'training'
  | 'article'
  | 'tree'

export interface Delta {
  /** `<life of the daemon>-<number>`: numbers of an earlier life are not taken for this one's. */
  readonly id: string
  readonly type: DeltaType
  /** JSON. */
  readonly data: string
}

export interface EventHub {
  readonly publish: (type: DeltaType, data: unknown) => void
  readonly lastId: () => string
  /** The deltas after `id`; undefined when they are not all here any more, or it is not from this life. */
  readonly after: (id: string) => readonly Delta[] | undefined
  /** `ended` is called when the hub closes. */
  readonly subscribe: (hear: (delta: Delta) => void, ended: () => void) => () => void
  readonly readers: () => number
  readonly clock: SchedulerLike
  readonly close: () => void
}

const keptMax = 2000
/** As often as an eye can follow. */
const previewEveryMs: Millis = 250

export function createEventHub(life: string, clock: SchedulerLike): EventHub {
  const kept: Delta[] = []
  const readers = new Set<{ hear: (delta: Delta) => void; ended: () => void }>()
  const previews = new Map<string, unknown>()
  let number = 0
  let flushing: Subscription | undefined

  function publish(type: DeltaType, data: unknown): void {
    number += 1
    const delta = { id: `${life}-${number}`, type, data: JSON.stringify(data) }
    kept.push(delta)
    if (kept.length > keptMax * 2) kept.splice(0, kept.length - keptMax)
    for (const reader of [...readers]) reader.hear(delta)
  }

  function preview(coin: string, data: unknown): void {
    previews.set(coin, data)
    flushing ??= clock.schedule(() => {
      flushing = undefined
      for (const newest of previews.values()) publish('preview', newest)
      previews.clear()
    }, previewEveryMs)
  }

  const stopListening = hear(publish, preview)
  return {
    publish,
    lastId: () => `${life}-${number}`,
    after: (id) => {
      const match = /^(.+)-(\d+)$/.exec(id)
      const seen = match?.[1] === life ? Number(match[2]) : Number.NaN
      const isHere = seen <= number && seen >= number - Math.min(kept.length, keptMax)
      if (!isHere) return undefined
      return seen === number ? [] : kept.slice(seen - number)
    },
    subscribe: (hearDelta, ended) => {
      const reader = { hear: hearDelta, ended }
      readers.add(reader)
      return () => void readers.delete(reader)
    },
    readers: () => readers.size,
    clock,
    close: () => {
      stopListening()
      flushing?.unsubscribe()
      for (const reader of [...readers]) reader.ended()
      readers.clear()
    },
  }
}

function hear(
  publish: EventHub['publish'],
  preview: (coin: string, data: unknown) => void,
): () => void {
  const stops = [
    // As the candles' route has them: JSON has no NaN and writes null, and a volume is a number always.
    listen('candle.closed', ({ openAt, volume, waitMs: _, ...candle }) =>
      publish('candle', { ...candle, volume: volume || 0, openAt: iso(openAt) }),
    ),
    listen('candle.preview', ({ openAt, ...candle }) =>
      preview(candle.coin, { ...candle, openAt: iso(openAt) }),
    ),
    listen('prediction.committed', ({ openAt, ...prediction }) => {
      if (prediction.mode !== 'live' && prediction.mode !== 'shadow') return
      publish('prediction', { ...prediction, openAt: iso(openAt) })
    }),
    listen('gap.opened', (gap) => publish('gap', { ...gapDelta(gap), state: 'open' })),
    listen('gap.healed', (gap) => publish('gap', { ...gapDelta(gap), state: 'healed' })),
    listen('gap.unhealable', (gap) => publish('gap', { ...gapDelta(gap), state: 'unhealable' })),
    listen('version.stage', ({ stage, ...version }) =>
      publish('model', { ...version, state: stage }),
    ),
    listen('version.backfilling', ({ doneTo, from, to, rows, ...version }) =>
      publish('model', {
        ...version,
        backfill: { doneTo: iso(doneTo), from: iso(from), to: iso(to), rows },
      }),
    ),
    listen('swap.changed', (swap) => publish('swap', swapDelta(swap))),
    listen('swap.cut', (swap) => publish('swap', { ...swapDelta(swap), state: 'running' })),
    listen('version.judged', ({ isRenewed, ...version }) =>
      publish('model', isRenewed ? version : { ...version, state: 'judged' }),
    ),
    listen('version.expired', ({ openAt, ...version }) =>
      publish('model', { ...version, expiredFrom: iso(openAt) }),
    ),
    listen('version.quarantined', (version) =>
      publish('model', { ...version, state: 'quarantined' }),
    ),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

function gapDelta({ from, to, ...gap }: Happenings['gap.opened']) {
  return { ...gap, from: iso(from), to: iso(to) }
}

function swapDelta({
  swap,
  fromVersion,
  toVersion,
  cutAt,
  ...more
}: Happenings['swap.changed'] | Happenings['swap.cut']) {
  return {
    id: String(swap),
    ...more,
    from: fromVersion,
    to: toVersion,
    cutAt: isoOrNull(cutAt),
  }
}
