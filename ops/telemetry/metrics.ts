/**
 * Prometheus's instruments and their page; prom-client is spoken to here alone. Names get the prefix `starling_`, and
 * every label is bounded by the fleet: never a version number, an address or anything that a client sends.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { Tally } from './tally.ts'

export interface Metrics {
  /** Label values come in the order of the names. */
  readonly counter: (
    name: string,
    help: string,
    labels?: readonly string[],
  ) => (values: readonly string[], count?: number) => void
  readonly gauge: (name: string, help: string, labels?: readonly string[]) => GaugeMetric
  readonly histogram: (
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly string[],
  ) => (values: readonly string[], value: number) => void
  /** Called before each page is made. */
  readonly beforeReading: (refresh: () => void | Promise<void>) => void
  readonly contentType: string
  readonly text: () => Promise<string>
  readonly close: () => void
}

export interface GaugeMetric {
  readonly set: (values: readonly string[], value: number) => void
  /** Forgets every value, so that what is gone is not shown any more. */
  readonly clear: () => void
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const refreshers: (() => void | Promise<void>)[] = []

  const counter: Metrics['counter'] = (name, help, labels = []) => {
    const inner = new Counter({ ...named(name, help, labels), registers })
    const tally = new Tally()
    if (labels.length === 0) inner.inc(0)
    refreshers.push(() => tally.flush((values, count) => inner.inc(pair(labels, values), count)))
    return (values, count = 1) => tally.add(values, count)
  }
  const gauge: Metrics['gauge'] = (name, help, labels = []) => {
    const inner = new Gauge({ ...named(name, help, labels), registers })
    return {
      set: (values, value) => inner.set(pair(labels, values), value),
      clear: () => (labels.length === 0 ? inner.remove() : inner.reset()),
    }
  }
  const histogram: Metrics['histogram'] = (name, help, buckets, labels = []) => {
    const inner = new Histogram({ ...named(name, help, labels), buckets: [...buckets], registers })
    return (values, value) => inner.observe(pair(labels, values), value)
  }
  const beforeReading: Metrics['beforeReading'] = (refresh) => void refreshers.push(refresh)
  const stopProcess = watchProcess(registry, gauge, beforeReading)
  return {
    counter,
    gauge,
    histogram,
    beforeReading,
    contentType: registry.contentType,
    text: async () => {
      await Promise.all(refreshers.map((refresh) => refresh()))
      return registry.metrics()
    },
    close: () => {
      stopProcess()
      registry.clear()
    },
  }
}

function named(name: string, help: string, labels: readonly string[]) {
  return { name: `starling_${name}`, help, labelNames: [...labels] }
}

function pair(names: readonly string[], values: readonly string[]): Record<string, string> {
  const pairs: Record<string, string> = {}
  for (const [i, name] of names.entries()) pairs[name] = values[i] ?? ''
  return pairs
}

/** prom-client names three gauges `…_total`, which Prometheus keeps for counters; they are left out. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

function watchProcess(
  registry: Registry,
  gauge: Metrics['gauge'],
  beforeReading: Metrics['beforeReading'],
): () => void {
  collectDefaultMetrics({ register: registry })
  for (const name of misnamed) registry.removeSingleMetric(name)
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  const late = gauge('event_loop_delay_seconds', 'How late timers ran since the last reading', [
    'stat',
  ])
  beforeReading(() => {
    // Nanoseconds; NaN where nothing was measured yet.
    late.set(['p50'], delay.percentile(50) / 1e9 || 0)
    late.set(['p99'], delay.percentile(99) / 1e9 || 0)
    late.set(['max'], delay.max / 1e9 || 0)
    delay.reset()
  })
  return () => void delay.disable()
}
