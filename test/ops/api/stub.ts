/** A daemon made of plain data, for the API to stand on; single parts are replaced where a test is about them. */
import { VirtualTimeScheduler } from 'rxjs'
import { createApp } from '../../../ops/api/app.ts'
import type { ApiDeps } from '../../../ops/api/deps.ts'
import { createEventHub } from '../../../ops/api/event-hub.ts'
import type { CandleRead, PredictionRead, StoreReads } from '../../../ops/store/reads/reads.ts'
import type { TrainingRead } from '../../../ops/store/training/read-training.ts'
import { type Coin, parseCoin } from '../../../streams/coin.ts'
import { Fault } from '../../../streams/fault.ts'
import type { Swap } from '../../../supervisor/fleet/lane-journal.ts'
import type { TreeNode } from '../../../supervisor/tree/spec.ts'

export const btc = parseCoin('BTC/USDT') as Coin
export const token = 'a-token-for-the-tests'
/** 2026-11-20T12:00:00.000Z */
export const noon = 1_795_176_000_000

export const candle: CandleRead = {
  openAt: noon,
  open: 1,
  high: 2,
  low: 0.5,
  close: 1.5,
  volume: 10,
  trades: 3,
  state: 'final',
  revision: 0,
  flags: [],
}

export const prediction: PredictionRead & { readonly slot: 'v1' } = {
  coin: btc,
  family: 'linear',
  version: 1,
  slot: 'v1',
  openAt: noon,
  closeAt: noon + 60_000,
  horizon: '15m',
  mode: 'live',
  signal: 'hold',
  probabilities: { sell: 0.2, hold: 0.5, buy: 0.3 },
  value: null,
  madeAt: noon + 60_100,
  waitMs: 120,
  inferMs: 0.4,
  featureSet: 'sha256:f',
  inputHash: 'sha256:i',
  traceId: '0af7651916cd43dd8448eb211c80319c',
  epoch: 3,
  flags: [],
}

export const model = {
  coin: btc,
  family: 'linear',
  version: 1,
  sha256: 'ab',
  state: 'serving',
  slots: ['v1'],
  manifest: { format: 'starling-model/1' },
  metrics: null,
  registeredAt: noon - 1000,
  verdict: null,
  backfilledTo: null,
} as const

const one = { coin: btc, family: 'linear', version: 1 }

export const swap: Swap = {
  id: 4,
  lane: { coin: btc, family: 'linear' },
  kind: 'swap',
  askedBy: 'operator',
  from: one,
  to: { ...one, version: 2 },
  generation: 2,
  state: 'running',
  reason: null,
  startedAt: noon,
  cutAt: noon + 60_000,
  endedAt: null,
  transitions: [{ version: one, stage: 'announced', at: noon, candleAt: noon, reason: null }],
  verdict: null,
  renewed: null,
  missed: null,
  twice: null,
  longestWaitMs: null,
}

const none = { items: [], next: null }

export const run: TrainingRead = {
  id: 4,
  lane: { coin: btc, family: 'linear' },
  cause: 'hand',
  state: 'refused',
  cancelAsked: false,
  rowsMax: null,
  trials: 1,
  seed: 7,
  warmStart: false,
  timeLimitMs: 3_600_000,
  marketAt: noon,
  askedAt: noon,
  startedAt: noon,
  endedAt: noon + 9_000,
  dueAt: noon,
  aliveAt: noon,
  progress: null,
  tries: [
    {
      step: 'dataset',
      attempt: 1,
      state: 'done',
      startedAt: noon,
      endedAt: noon + 1_000,
      workedMs: 1_000,
      inputHash: 'sha256:in',
      product: 'sha256:out',
      failure: null,
    },
  ],
  log: 'read 1,000 rows\n',
  code: null,
  message: null,
  verdict: {
    verdict: 'refused',
    profile: 'open',
    reasons: [
      {
        code: 'no_skill',
        passed: false,
        found: 0.001,
        limit: 0,
        detail: 'no better than no skill',
      },
    ],
    candles: 1_000,
    from: '2026-11-19T12:00:00.000Z',
    to: '2026-11-20T12:00:00.000Z',
  },
  metrics: { logLoss: 1.1 },
  baseline: { logLoss: 1.09 },
  version: 2,
  details: { dataset: '1,000 rows' },
  trialsDone: [],
}

export const stubReads: StoreReads = {
  candles: async () => ({ items: [candle], next: null }),
  hasCandles: async (coin) => coin === btc,
  candleCounts: async () => [{ coin: btc, candles: 1, gaps: 0, from: noon, to: noon + 60_000 }],
  features: async () => ({
    items: [{ openAt: noon, hash: 'sha256:f', flags: [], values: { return_1: 0.1, rsi_14: null } }],
    next: null,
  }),
  gaps: async () => ({
    items: [
      {
        coin: btc,
        from: noon,
        to: noon + 60_000,
        cause: 'silent',
        healedAt: null,
        unhealableAt: null,
      },
    ],
    next: null,
  }),
  predictions: async () => ({ items: [prediction], next: 'more' }),
  prediction: async (version, openAt) =>
    version.coin === btc && version.version === 1 && openAt === noon
      ? {
          ...prediction,
          outcome: { resolvedAt: noon, return: 0.1, label: 'buy', correct: false, profit: null },
        }
      : undefined,
  holes: async () => none,
  holders: async () => [],
  signals: async () => [{ ...prediction, newest: prediction }],
  pointers: async () => [
    { coin: btc, family: 'linear', version: 1, slot: 'v1', from: noon, until: null },
  ],
  tenures: async () => [{ slot: 'v1', from: noon, until: null, enteredAt: null, leftAt: null }],
  journal: async () => [{ version: one, stage: 'serving', at: noon, candleAt: noon, reason: null }],
  swaps: async () => ({ items: [swap], next: null }),
  swap: async (id) => (id === swap.id ? swap : undefined),
  wishes: async () => [{ coin: btc, family: 'linear', desired: 2, swapping: 4 }],
  models: async (filter) => (filter?.version === undefined || filter.version === 1 ? [model] : []),
  continuity: async (from, to) => ({
    from: from ?? noon,
    to: to ?? noon + 60_000,
    unexplained: 0,
    duplicates: 0,
    lanes: [
      {
        coin: btc,
        family: 'linear',
        slot: 'v1',
        candles: 2,
        predicted: 1,
        holes: 1,
        byReason: { gap: 1 },
      },
    ],
  }),
  daySums: async () => [],
  coverage: async () => [],
  pairedSums: async () => ({ challenger: [], incumbent: [], inferenceMs: null }),
  trainingRuns: async () => ({ items: [run], next: '4' }),
  trainingRun: async (id) => {
    if (id === run.id) return run
    throw new Fault('training.unknown', `there is no training run ${id}`)
  },
  predictionCount: async () => 1,
  firstPredictionAt: async () => noon,
  gapCounts: async () => ({ open: 1, unhealable: 0 }),
}

const leaf: TreeNode = {
  name: 'BTC-USDT',
  path: 'market/BTC-USDT',
  kind: 'coin',
  state: 'running',
  epoch: 2,
  restarts: 1,
  mailbox: 0,
  dropped: 0,
  lastProgressAt: noon,
  reason: null,
  children: [],
}

export function stubDeps(more: Partial<ApiDeps> = {}): ApiDeps {
  return {
    reads: stubReads,
    intervalMs: 60_000,
    status: async () => ({
      version: '0.1.0',
      mode: 'tape',
      source: 'tape',
      reason: 'asked for',
      startedAt: noon,
      firstPredictionAt: null,
      health: 'ready',
      degraded: [],
      coins: 1,
      lanes: 1,
      models: 1,
      predictions: 1,
      gaps: { open: 1, unhealable: 0 },
      continuity: { unexplained: 0, duplicates: 0, holes: 1 },
    }),
    coins: async () => [
      {
        coin: btc,
        source: 'tape',
        state: 'live',
        lastTradeAt: noon,
        lastCandleAt: null,
        candles: 1,
        gaps: 0,
        stalenessMs: 12.5,
      },
    ],
    tree: () => ({ ...leaf, name: 'root', path: 'root', lastProgressAt: null, children: [leaf] }),
    laneState: () => 'running',
    preview: () => ({
      openAt: noon + 60_000,
      open: 1,
      high: 1,
      low: 1,
      close: 1,
      volume: 1,
      trades: 1,
    }),
    controls: {
      act: async () => ({ state: 'paused' }),
      addCoin: async () => {},
      removeCoin: async () => {},
    },
    versions: {
      swap: async () => swap,
      rollback: async () => ({ ...swap, kind: 'rollback' }),
      refresh: async () => ({ announced: 1 }),
      publish: async () => [one],
    },
    training: {
      ask: async () => ({ ...run, state: 'queued', startedAt: null, endedAt: null }),
      cancel: async () => ({ ...run, cancelAsked: true }),
      plan: () => [
        {
          lane: { coin: btc, family: 'linear' },
          due: { type: 'later', at: noon, detail: 'its turn' },
        },
      ],
    },
    readiness: () => ({ ready: true }),
    metrics: { contentType: 'text/plain; version=0.0.4', text: async () => '', observe: () => {} },
    events: createEventHub('life', new VirtualTimeScheduler()),
    access: { token, allowedHosts: [], isReadingGuarded: false },
    now: () => noon + 61_000,
    elapsed: () => 0,
    broke: () => {},
    version: '0.1.0',
    ...more,
  }
}

/** The headers that let a write through. */
export const asOperator = {
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
}

/** One request to a daemon that is the stub but for what is given. */
export async function ask(path: string, init: RequestInit = {}, more: Partial<ApiDeps> = {}) {
  const answer = await createApp(stubDeps(more)).request(path, init)
  const body: unknown = await answer.json()
  return { status: answer.status, headers: answer.headers, body }
}
