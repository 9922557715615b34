/** The first half of a training run: rows out of the store, a trainer over them, and a sealed artifact. */
import { mkdir, writeFile } from 'node:fs/promises'
import type { StepWork, TrainingRun } from '../../actors/training/run.ts'
import { runTrainer } from '../../actors/training/trainer-process.ts'
import { openArtifact } from '../../models/artifact.ts'
import { type Family, horizonCandles, openFamily } from '../../models/family.ts'
import { taskOf } from '../../models/label.ts'
import type { Label, Manifest } from '../../models/manifest.ts'
import type { Registry } from '../../models/registry.ts'
import { chronological } from '../../models/split.ts'
import type { TrainerEvent } from '../../models/training/events.ts'
import { seal } from '../../models/training/seal.ts'
import type { Lane } from '../../models/version.ts'
import { Fault } from '../../streams/fault.ts'
import { sourceOf } from '../../streams/feeds/feed.ts'
import { type Clock, iso, type Millis } from '../../streams/time.ts'
import type { Config } from '../config/schema.ts'
import type { Store } from '../store/store.ts'
import { makeDataset } from './dataset-process.ts'
import { incumbentOf } from './incumbent.ts'
import { type Stretch, stretchFor } from './stretch.ts'
import { coldOnly, type Trainers } from './trainable.ts'
import { hashOf, type Tools } from './workshop.ts'

export interface FitPorts {
  readonly store: Store
  readonly registry: Pick<Registry, 'fetch'>
  readonly config: Config
  readonly clock: Clock
  readonly trainers: Trainers
  /** In the place of what is usual, for tests. */
  readonly trainerLimits?: { readonly silenceMs: Millis; readonly memoryBytes: number }
}

type FitTools = Pick<Tools, 'dataset' | 'request' | 'fit' | 'seal'>

/** A trainer tells something every 5 s; on a machine that is busy with other things it may be late. */
const silenceMsMax: Millis = 45_000

export function fitTools(ports: FitPorts): FitTools {
  return {
    dataset: (work, out) => dataset(ports, work, out),
    request: async (work, folder, manifest, out) => {
      const { run } = work
      const family = openFamily(run.lane.family)
      const { label } = manifest
      const [from, to] = [Date.parse(manifest.from), Date.parse(manifest.to)]
      const { shares } = stretchFor({ ...needsOf(ports, run, family), from, to })
      const { train, validate, test } = chronological(
        {
          from,
          to,
          intervalMs: ports.store.intervalMs,
          informationCandles: manifest.informationCandles,
          // Rows of a window beyond a border are still those of before it.
          embargoCandles: Math.max(manifest.informationCandles, family.input.length),
        },
        shares,
      )
      return {
        format: 'starling-train/1',
        family: family.name,
        datasets: [folder],
        out,
        task: taskOf(label),
        label,
        input: family.input,
        ranges: { train: [train], validate: [validate], test: [test] },
        rowsMax: run.rowsMax ?? family.rowsMax,
        seed: run.seed,
        threads: 1,
        trials: run.trials,
        settings: family.settings,
        warmStart: await beginning(ports, work),
      }
    },
    fit: async (work, request, path) => {
      const family = openFamily(request.family)
      await mkdir(request.out, { recursive: true })
      await writeFile(path, JSON.stringify(request, null, 2))
      const command = await ports.trainers.commandFor(family, work)
      return runTrainer(
        request,
        path,
        command,
        {
          clock: ports.clock,
          silenceMs: silenceMsMax,
          limitMs: family.timeLimit,
          memoryBytes: family.memoryMb * 1024 * 1024,
          ...ports.trainerLimits,
          signal: work.signal,
        },
        { event: (event) => hear(work, event), log: work.log },
      )
    },
    seal: async ({ run }, { manifest, request, trained }, scores, out) => {
      const begun = request.warmStart === null ? null : await openArtifact(request.warmStart)
      const { coin } = run.lane
      await seal({ request, trained, datasets: [manifest], coin, scores, begun }, out)
    },
  }
}

/** The artifact whose weights are begun with. */
async function beginning(ports: FitPorts, { run, log }: StepWork): Promise<string | null> {
  if (!run.warmStart) return null
  const incumbent = await incumbentOf(ports, run.lane)
  if (incumbent === null) {
    log('begins anew: the lane has no version yet')
    return null
  }
  const { artifact, subject } = incumbent
  const { input } = (await openArtifact(artifact)).manifest
  const { length, columns } = openFamily(run.lane.family).input
  const isAlike = input.kind !== 'text' && input.length === length
  if (!isAlike || input.columns.join() !== columns.join()) {
    log(`begins anew: ${subject} sees other columns`)
    return null
  }
  log(`begins with the weights of ${subject}`)
  return artifact
}

async function dataset(ports: FitPorts, work: StepWork, out: string): Promise<void> {
  const { store } = ports
  const { run, signal, tell } = work
  const family = openFamily(run.lane.family)
  const obstacle =
    (run.warmStart && coldOnly(family)) || ports.trainers.obstacleTo(family, run.cause === 'hand')
  if (obstacle) throw new Fault(obstacle.code, obstacle.message)
  const lane = await contractOf(ports, run.lane, family)
  const { from, to } = await stretchOf(ports, run, family)
  const order = {
    coin: run.lane.coin,
    source: sourceOf(store.market),
    label: lane.label,
    horizonCandles: lane.horizonCandles,
    columns: [...new Set([...family.input.columns, ...lane.incumbentColumns])],
    from,
    to,
    now: Math.max(run.marketAt, to),
  }
  work.input(hashOf(order))
  work.log(`candles from ${iso(from)} to ${iso(to)}`)
  const { address, market, intervalMs } = store
  await makeDataset(
    { store: { address, market, intervalMs }, order, out },
    {
      signal,
      progress: (done, of) => tell({ part: 'read', done, of, loss: null, secondsLeft: null }),
    },
  )
}

function needsOf(ports: FitPorts, run: TrainingRun, family: Family) {
  return {
    intervalMs: ports.store.intervalMs,
    rowsMax: run.rowsMax ?? family.rowsMax,
    testDaysMin: ports.config.gate.daysMin,
  }
}

/** Up to the newest candle that is stored. */
async function stretchOf(ports: FitPorts, run: TrainingRun, family: Family): Promise<Stretch> {
  const range = await ports.store.reader.candleRange(run.lane.coin)
  if (range) return stretchFor({ ...needsOf(ports, run, family), ...range })
  throw new Fault('data.too_few', `nothing of ${run.lane.coin} is stored yet`)
}

interface LaneContract {
  readonly label: Label
  readonly horizonCandles: number
  /** What whoever answers for the lane now sees: it is judged on the same dataset. */
  readonly incumbentColumns: readonly string[]
}

/** Label and horizon belong to the lane: its first version has said what they are, else the family and the configuration do. */
async function contractOf(ports: FitPorts, lane: Lane, family: Family): Promise<LaneContract> {
  const { store, config } = ports
  const versions = await store.reads.models(lane)
  const manifests = versions.map((it) => ({ ...it, manifest: it.manifest as Manifest }))
  const first = manifests.find(({ version }) => version === 1)?.manifest
  const horizonMs = config.fleet.families[lane.family]?.horizon ?? family.horizon
  return {
    label: first?.label ?? family.label,
    horizonCandles: first?.horizonCandles ?? horizonCandles(horizonMs, store.intervalMs),
    incumbentColumns: manifests
      .filter(({ slots }) => slots.length > 0)
      .flatMap(({ manifest }) => (manifest.input.kind === 'text' ? [] : manifest.input.columns)),
  }
}

function hear({ tell, log }: StepWork, event: TrainerEvent): void {
  switch (event.type) {
    case 'started':
      log(`${event.trainer} on ${event.device}`)
      return
    case 'progress': {
      const { part, done, of, loss, secondsLeft } = event
      tell({ part, done, of, loss, secondsLeft })
      return
    }
    case 'trial':
      log(`trial ${event.number}: ${event.state}, loss ${event.loss ?? 'none'}`)
      return
    case 'warning':
      log(event.text)
      return
    case 'failed':
    case 'done':
      return
  }
}
