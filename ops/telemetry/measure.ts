/** What is measured: counters and histograms fed by the diagnostics channels, gauges asked for as the page is read. */
import { listen } from '../../streams/channels.ts'
import type { TreeNode } from '../../supervisor/tree/spec.ts'
import type { Metrics } from './metrics.ts'
import { countTree, kindAt } from './tree-counts.ts'

/** What is asked at each reading; whoever answers remembers what would cost more than some milliseconds. */
export interface Gauges {
  readonly tree: () => TreeNode
  readonly continuity: () => Promise<{ readonly unexplained: number; readonly duplicates: number }>
  /** The versions in slots. */
  readonly models: () => Promise<readonly ModelGauge[]>
}

export interface ModelGauge {
  readonly coin: string
  readonly family: string
  readonly slot: string
  /** Market time since the end of its training range; null where it does not say. */
  readonly ageSeconds: number | null
  /** The newest of the slot; null where it answers in classes, or has not answered yet. */
  readonly value: number | null
  /** By window of market time: `1d`, `7d`. */
  readonly accuracy: Readonly<Record<string, number>>
}

export type Stop = () => void

/** Returns the way to stop measuring. */
export function measure(metrics: Metrics, gauges: Gauges): Stop {
  const stops = [
    ...measureMarket(metrics),
    ...measureLedger(metrics),
    ...measureInference(metrics),
    ...measureSwaps(metrics),
    ...measureActors(metrics, gauges.tree),
    ...measureTraining(metrics),
  ]
  askTree(metrics, gauges.tree)
  askContinuity(metrics, gauges.continuity)
  askModels(metrics, gauges.models)
  return () => {
    for (const stop of stops) stop()
  }
}

function measureMarket({ counter, gauge }: Metrics): readonly Stop[] {
  const trades = counter('trades_total', 'Trades folded into candles', ['coin'])
  const aside = counter('trades_aside_total', 'Trades kept aside', ['coin', 'reason'])
  const candles = counter('candles_total', 'Candles closed or corrected', ['coin', 'state'])
  const gaps = counter('gaps_total', 'Stretches of missing data', ['coin', 'cause'])
  const reconnects = counter('feed_reconnects_total', 'Connections lost', ['coin'])
  const staleness = gauge('feed_staleness_seconds', 'Time since the last trade', ['coin'])
  return [
    listen('trades.folded', ({ coin, count }) => trades([coin], count)),
    listen('trades.aside', ({ coin, count, reason }) => aside([coin, reason], count)),
    listen('candle.closed', ({ coin, state }) => candles([coin, state])),
    listen('gap.opened', ({ coin, cause }) => gaps([coin, cause])),
    listen('feed.reconnecting', ({ coin }) => reconnects([coin])),
    listen('feed.staleness', ({ coin, stalenessMs }) => staleness.set([coin], stalenessMs / 1000)),
  ]
}

const waitBuckets = [0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30, 60, 300]
const commitBuckets = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30]
const rowBuckets = [1, 10, 30, 100, 300, 1000, 3000, 10_000]

function measureLedger({ counter, histogram }: Metrics): readonly Stop[] {
  const predictions = counter('predictions_total', 'Predictions committed', [
    'coin',
    'family',
    'mode',
  ])
  const disagreed = counter(
    'predictions_disagreed_total',
    'Predictions made again from equal inputs, with another answer',
    ['coin', 'family'],
  )
  const holes = counter('holes_total', 'Candles left unanswered', ['family', 'reason'])
  const wait = histogram(
    'prediction_wait_seconds',
    "From a candle's close to the commit of a live prediction",
    waitBuckets,
    ['family'],
  )
  const rows = histogram('sink_batch_rows', 'Rows in one commit', rowBuckets)
  const commit = histogram('sink_commit_seconds', 'Time of one commit', commitBuckets)
  const stale = counter('sink_stale_rows_total', 'Rows of older incarnations, refused')
  const retries = counter('sink_retries_total', 'Commits tried again', ['code'])
  return [
    listen('prediction.committed', ({ coin, family, mode, waitMs }) => {
      predictions([coin, family, mode])
      if (mode === 'live') wait([family], waitMs / 1000)
    }),
    listen('prediction.disagreed', ({ coin, family }) => disagreed([coin, family])),
    listen('hole.committed', ({ family, reason }) => holes([family, reason])),
    listen('sink.committed', (batch) => {
      rows([], batch.rows)
      commit([], batch.ms / 1000)
      if (batch.stale > 0) stale([], batch.stale)
    }),
    listen('sink.waiting', ({ code }) => retries([code])),
  ]
}

const inferBuckets = [0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2, 10]

function measureInference({ counter, gauge, histogram }: Metrics): readonly Stop[] {
  const seconds = histogram('inference_seconds', 'Time of one bundle in a child', inferBuckets)
  const rows = counter('inference_rows_total', 'Rows answered by models')
  const children = counter('inference_children_total', 'What befell inference children', ['event'])
  const queue = gauge('inference_queue_rows', 'Rows waiting for a child')
  return [
    listen('inference.finished', (bundle) => {
      seconds([], bundle.ms / 1000)
      rows([], bundle.rows)
      queue.set([], bundle.queuedRows)
    }),
    listen('inference.child', ({ event }) => children([event])),
  ]
}

const swapBuckets = [0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800]

function measureSwaps({ counter, histogram }: Metrics): readonly Stop[] {
  const swaps = counter('swaps_total', 'Changes of slots that are over', ['result'])
  const seconds = histogram('swap_seconds', 'From a wish to its end', swapBuckets)
  return [
    listen('swap.changed', ({ state, kind, seconds: took }) => {
      if (state === 'waiting' || state === 'running') return
      swaps([kind === 'swap' || state !== 'done' ? state : kind])
      if (state === 'done' && took !== null) seconds([], took)
    }),
  ]
}

function measureActors({ counter }: Metrics, tree: () => TreeNode): readonly Stop[] {
  const restarts = counter('actor_restarts_total', 'Actors started again', ['kind'])
  const crashes = counter('actor_crashes_total', 'Actors that crashed or hung', ['kind', 'how'])
  const quarantines = counter('quarantines_total', 'Versions set aside', ['family'])
  const dropped = counter('dropped_total', 'Messages that a bounded queue let go', ['queue'])
  const dead = counter('dead_letters_total', 'Messages that nobody will process', ['reason'])
  return [
    listen('supervisor.decided', ({ path, decision }) => {
      if (decision.startsWith('restart')) restarts([kindAt(tree(), path)])
    }),
    listen('actor.crashed', ({ path, deadline }) =>
      crashes([kindAt(tree(), path), deadline ? 'hung' : 'crashed']),
    ),
    listen('version.quarantined', ({ family }) => quarantines([family])),
    listen('queue.dropped', ({ queue, count }) => dropped([queue], count)),
    listen('dead.letter', ({ reason }) => dead([reason])),
  ]
}

/** From some seconds to the longest that a run may take. */
const trainingBuckets = [5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400]

function measureTraining({ counter, histogram }: Metrics): readonly Stop[] {
  const runs = counter('training_runs_total', 'Training runs that are over', ['result'])
  const seconds = histogram(
    'training_seconds',
    'From the first step of a training run to its end',
    trainingBuckets,
    ['family', 'result'],
  )
  return [
    listen('training.ended', ({ family, state, seconds: took }) => {
      runs([state])
      seconds([family, state], took)
    }),
  ]
}

function askTree({ gauge, beforeReading }: Metrics, tree: () => TreeNode): void {
  const actors = gauge('actors', 'Nodes of the supervision tree', ['state'])
  const mailboxes = gauge('mailbox_messages', 'Messages waiting', ['kind'])
  beforeReading(() => {
    const { byState, mailboxByKind } = countTree(tree())
    actors.clear()
    mailboxes.clear()
    for (const [state, count] of byState) actors.set([state], count)
    for (const [kind, count] of mailboxByKind) mailboxes.set([kind], count)
  })
}

function askContinuity({ gauge, beforeReading }: Metrics, ask: Gauges['continuity']): void {
  const unexplained = gauge('continuity_unexplained', 'Candles with neither prediction nor hole')
  const duplicates = gauge('continuity_duplicates', 'Candles that a slot answered twice')
  beforeReading(async () => {
    const audit = await ask().catch(() => undefined)
    // While the store cannot be asked there is no value, rather than one that may be old.
    if (!audit) return [unexplained, duplicates].forEach((metric) => void metric.clear())
    unexplained.set([], audit.unexplained)
    duplicates.set([], audit.duplicates)
  })
}

function askModels({ gauge, beforeReading }: Metrics, ask: Gauges['models']): void {
  const labels = ['coin', 'family', 'slot']
  const age = gauge('model_age_seconds', 'Market time since the end of its training range', labels)
  const value = gauge('prediction_value', 'The newest answer, where it is a value', labels)
  const accuracy = gauge(
    'model_accuracy',
    'Share of resolved predictions that were right, over a window of market time',
    [...labels, 'window'],
  )
  beforeReading(async () => {
    const models = await ask().catch(() => [])
    age.clear()
    value.clear()
    accuracy.clear()
    for (const { coin, family, slot, ageSeconds, value: newest, accuracy: shares } of models) {
      if (ageSeconds !== null) age.set([coin, family, slot], ageSeconds)
      if (newest !== null) value.set([coin, family, slot], newest)
      for (const [window, share] of Object.entries(shares)) {
        accuracy.set([coin, family, slot, window], share)
      }
    }
  })
}
