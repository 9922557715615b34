/**
 * How the lower floors tell the world: typed diagnostics channels, all declared here. Publishing costs nothing while
 * nobody listens; telemetry, logs and the event stream listen from `ops/`.
 */
import { channel } from 'node:diagnostics_channel'

/** Names follow `thing.happened`; fields are data, never live objects. `at` is wall time where present. */
export interface Happenings {
  'feed.connected': { coin: string }
  'feed.reconnecting': { coin: string; cause: string; attempt: number }
  'feed.refused': { coin: string; what: string; detail: string }
  'feed.staleness': { coin: string; stalenessMs: number }
  'gap.opened': { coin: string; from: number; to: number; cause: string }
  'gap.healed': { coin: string; from: number; to: number; cause: string }
  'gap.unhealable': { coin: string; from: number; to: number; cause: string }
  'trades.folded': { coin: string; count: number; lastAt: number }
  'trades.aside': { coin: string; count: number; reason: string }
  /** Closed for the first time, or corrected since; what is not known is NaN. */
  'candle.closed': {
    coin: string
    openAt: number
    open: number
    high: number
    low: number
    close: number
    volume: number
    trades: number
    state: string
    revision: number
    waitMs: number
  }
  'candle.preview': {
    coin: string
    openAt: number
    open: number
    high: number
    low: number
    close: number
    volume: number
    trades: number
  }
  'history.fetched': { coin: string; from: number; goal: number }
  'prediction.committed': {
    coin: string
    family: string
    version: number
    openAt: number
    mode: string
    signal: string | null
    waitMs: number
    inferMs: number
  }
  'hole.committed': { coin: string; family: string; slot: string; openAt: number; reason: string }
  'prediction.disagreed': { coin: string; family: string; version: number; openAt: number }
  'inference.finished': {
    child: number
    version: string
    rows: number
    ms: number
    queuedRows: number
  }
  'inference.child': {
    child: number
    event: 'started' | 'died' | 'hung' | 'too_large' | 'recycled'
    detail: string
  }
  'version.loaded': { coin: string; family: string; version: number }
  'version.quarantined': { coin: string; family: string; version: number; reason: string }
  /** Packages are about to be downloaded. */
  'training.set_up': { packages: string; size: string }
  'training.asked': { run: number; coin: string; family: string; cause: string }
  'training.step': {
    run: number
    coin: string
    family: string
    step: string
    attempt: number
    state: 'running' | 'done' | 'failed' | 'stopped'
    detail: string | null
  }
  'training.progress': {
    run: number
    coin: string
    family: string
    step: string
    part: string
    done: number
    of: number
    loss: number | null
    secondsLeft: number | null
  }
  'training.ended': {
    run: number
    coin: string
    family: string
    state: 'passed' | 'refused' | 'failed' | 'cancelled'
    seconds: number
    detail: string | null
  }
  'version.stage': {
    coin: string
    family: string
    version: number
    stage: string
    swap: number | null
    reason: string | null
  }
  'version.backfilling': {
    coin: string
    family: string
    version: number
    doneTo: number
    from: number
    to: number
    rows: number
  }
  'version.expired': { coin: string; family: string; version: number; openAt: number }
  'swap.changed': {
    swap: number
    coin: string
    family: string
    kind: string
    fromVersion: number | null
    toVersion: number
    state: string
    reason: string | null
    cutAt: number | null
    missed: number | null
    twice: number | null
    longestWaitMs: number | null
    seconds: number | null
  }
  'swap.cut': {
    swap: number
    coin: string
    family: string
    fromVersion: number | null
    toVersion: number
    cutAt: number
  }
  /** `isRenewed`: on the candles in the shadow too. */
  'version.judged': {
    coin: string
    family: string
    version: number
    swap: number
    verdict: string
    candles: number
    isRenewed: boolean
  }
  'swap.troubled': { coin: string; family: string; code: string; detail: string; attempt: number }
  'disk.looked_at': { freeBytes: number; isLow: boolean }
  'sink.committed': { rows: number; ms: number; stale: number }
  'sink.waiting': { code: string; attempt: number; queued: number }
  'actor.started': { path: string; epoch: number }
  'actor.crashed': { path: string; epoch: number; error: unknown; deadline: boolean }
  'actor.ended': { path: string; epoch: number; reason: string }
  'supervisor.decided': { path: string; decision: string; detail: string }
  'dead.letter': { path: string; reason: string; message: unknown }
  'queue.dropped': { queue: string; count: number }
}

export function tell<K extends keyof Happenings>(name: K, what: Happenings[K]): void {
  const to = channel(`starling:${name}`)
  if (to.hasSubscribers) to.publish(what)
}

/** Returns the way to stop listening. */
export function listen<K extends keyof Happenings>(
  name: K,
  hear: (what: Happenings[K]) => void,
): () => void {
  const from = channel(`starling:${name}`)
  const listener = (message: unknown): void => hear(message as Happenings[K])
  from.subscribe(listener)
  return () => void from.unsubscribe(listener)
}
