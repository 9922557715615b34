/**
 * Artifact folders over a dataset's rows to sheets, in the process that it is called in: the child's work
 * (`evaluation-child.ts`). Golden rows that differ are an answer, and the gate's to refuse; an artifact that cannot be
 * opened is a Fault.
 */
import type { Coin } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import { type Artifact, openArtifact, readVerified } from '../artifact.ts'
import type { DatasetManifest } from '../dataset/manifest.ts'
import type { OpenDataset } from '../dataset/read.ts'
import { goldenDistance, goldenTolerance } from '../golden.ts'
import { inputWidth, trainingRanges } from '../manifest.ts'
import { type ClassCounts, readFrequencies } from '../scores/no-skill.ts'
import { openSession, type Session } from '../session.ts'
import type { EvaluationRequest } from './evaluation.ts'
import { type Tallied, tallyRows } from './rows.ts'
import type { Comparison, GoldenCheck, Sheet } from './sheet.ts'

export async function compareOn(
  dataset: OpenDataset,
  request: EvaluationRequest,
  clock: () => number,
  progress?: (done: number, of: number) => void,
): Promise<Comparison> {
  const challenger = await enter(request.artifact, dataset.manifest)
  if (challenger.type === 'unlike') throw new Fault('evaluation.unlike', challenger.why)
  const incumbent =
    request.incumbent === null
      ? null
      : await enterIncumbent(request.incumbent.artifact, dataset.manifest, challenger)
  const sessions = [challenger, incumbent].filter((it) => it?.type === 'entered')
  const isSound = challenger.golden.passed
  const tallied = isSound
    ? await tallyRows(
        rowsFor(dataset, sessions, request),
        sessions.map(({ artifact: { manifest }, session, trained }) => ({
          manifest,
          trained,
          run: (inputs, rows) => (session as Session).run(inputs, rows),
        })),
        request.ranges,
        request,
        (done) => progress?.(done, candlesIn(request, dataset.intervalMs)),
      )
    : []
  const [mine, theirs] = tallied
  const comparison: Comparison = {
    challenger: {
      ...(await sheetOf(challenger, request.subject, request, mine, clock)),
      frequencies: request.frequencies ?? (await ownFrequencies(challenger.artifact)),
      trials: request.trials,
    },
    incumbent:
      incumbent?.type === 'entered' && request.incumbent && theirs
        ? await sheetOf(incumbent, request.incumbent.subject, request, theirs, clock)
        : null,
    incumbentMissing: incumbent?.type === 'unlike' ? incumbent.why : null,
  }
  for (const { session } of sessions) await session?.release()
  return comparison
}

/** What the models see, from as far before each range as the longest window reaches. */
function rowsFor(
  { rows, intervalMs }: OpenDataset,
  entered: readonly Entered[],
  { ranges }: EvaluationRequest,
): ReturnType<OpenDataset['rows']> {
  const inputs = entered.map(({ artifact }) => artifact.manifest.input)
  const columns = new Set(inputs.flatMap((it) => (it.kind === 'text' ? [] : it.columns)))
  const reach = Math.max(...inputs.map((it) => it.length)) * intervalMs
  const [first, last] = spanOf(ranges)
  return rows([...columns], [first - reach, last])
}

function candlesIn({ ranges }: EvaluationRequest, intervalMs: number): number {
  const [first, last] = spanOf(ranges)
  return (last - first) / intervalMs
}

function spanOf(ranges: EvaluationRequest['ranges']): readonly [from: number, to: number] {
  return [Math.min(...ranges.map(([from]) => from)), Math.max(...ranges.map(([, to]) => to))]
}

interface Entered {
  readonly type: 'entered'
  readonly artifact: Artifact
  /** Null where its golden rows are not answered as they should be. */
  readonly session: Session | null
  readonly golden: GoldenCheck
  readonly trained: ReturnType<typeof trainingRanges>
}

type Entry = Entered | { readonly type: 'unlike'; readonly why: string }

async function enter(folder: string, dataset: DatasetManifest): Promise<Entry> {
  const artifact = await openArtifact(folder)
  const why = unlike(artifact, dataset)
  if (why !== null) return { type: 'unlike', why }
  const trained = trainingRanges(artifact.manifest, dataset.source, dataset.coin as Coin)
  const shape = { type: 'entered', artifact, trained } as const
  try {
    const session = await openSession(artifact)
    const outputs = await session.run(artifact.golden.inputs, artifact.golden.rows)
    const distance = goldenDistance(artifact.golden.outputs, outputs, artifact.manifest.output.kind)
    const detail = `${artifact.golden.rows} golden rows differ by at most ${distance.toPrecision(2)} from what its trainer said.`
    return { ...shape, session, golden: { passed: distance <= goldenTolerance, distance, detail } }
  } catch (error) {
    const isTold = error instanceof Fault && refusals.includes(error.code)
    if (!isTold) throw error
    return {
      ...shape,
      session: null,
      golden: { passed: false, distance: null, detail: error.message },
    }
  }
}

const refusals: readonly string[] = ['artifact.golden', 'artifact.not_finite']

async function enterIncumbent(
  folder: string,
  dataset: DatasetManifest,
  challenger: Entered,
): Promise<Entry> {
  const entry = await enter(folder, dataset)
  if (entry.type === 'unlike') return entry
  const [a, b] = [challenger.artifact.manifest, entry.artifact.manifest]
  if (entry.session === null)
    return { type: 'unlike', why: `the incumbent fails: ${entry.golden.detail}` }
  if (a.task !== b.task || a.horizonCandles !== b.horizonCandles)
    return { type: 'unlike', why: 'the incumbent answers another question' }
  return entry
}

/** Why its answers cannot be held against this dataset's outcomes. */
function unlike({ manifest }: Artifact, dataset: DatasetManifest): string | null {
  const { input, interval, horizonCandles, label } = manifest
  if (interval !== dataset.interval)
    return `it was trained on candles of ${interval}, the dataset has ${dataset.interval}`
  if (horizonCandles !== dataset.horizonCandles)
    return `it looks ${horizonCandles} candles ahead, the dataset ${dataset.horizonCandles}`
  if (input.kind !== 'text' && input.featureSet !== dataset.featureSet)
    return `its feature set ${input.featureSet.slice(0, 15)} is not the dataset’s ${dataset.featureSet.slice(0, 15)}`
  const missing =
    input.kind === 'text' ? [] : input.columns.filter((it) => !dataset.columns.includes(it))
  if (missing.length > 0) return `the dataset has no column ${missing.join(', ')}`
  if (label.kind !== dataset.label.kind)
    return `its label is ${label.kind}, the dataset’s ${dataset.label.kind}`
  if (JSON.stringify(sorted(label)) !== JSON.stringify(sorted(dataset.label)))
    return 'its label has other thresholds than the dataset’s'
  return null
}

function sorted(label: object): readonly (readonly [string, unknown])[] {
  return Object.entries(label).sort(([a], [b]) => (a < b ? -1 : 1))
}

async function sheetOf(
  { artifact, session, golden }: Entered,
  subject: string,
  { ranges }: EvaluationRequest,
  tallied: Tallied | undefined,
  clock: () => number,
): Promise<Sheet> {
  return {
    subject,
    sha256: artifact.sha256,
    task: artifact.manifest.task,
    from: spanOf(ranges)[0],
    to: spanOf(ranges)[1],
    days: tallied?.days ?? [],
    coverage: { candles: tallied?.candles ?? 0, answered: tallied?.answered ?? 0 },
    frequencies: await ownFrequencies(artifact),
    golden,
    inferenceMs: session && tallied ? await time(artifact, session, tallied.inputs, clock) : null,
    trials: 1,
  }
}

/** Row by row, as a live candle comes; the first ones are not counted. */
async function time(
  { manifest }: Artifact,
  session: Session,
  inputs: Float32Array,
  clock: () => number,
): Promise<Sheet['inferenceMs']> {
  const width = inputWidth(manifest.input)
  const rows = inputs.length / width
  const times: number[] = []
  for (let i = -Math.min(16, rows); i < rows; i++) {
    const row = Math.max(i, 0)
    const startedAt = clock()
    await session.run(inputs.subarray(row * width, (row + 1) * width), 1)
    if (i >= 0) times.push(clock() - startedAt)
  }
  if (times.length === 0) return null
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.ceil(share * times.length) - 1] as number
  return { p50: at(0.5), p95: at(0.95) }
}

async function ownFrequencies({ folder, manifest }: Artifact): Promise<ClassCounts | null> {
  const bytes = await readVerified(folder, manifest, 'metrics.json')
  try {
    return readFrequencies(JSON.parse(new TextDecoder().decode(bytes)))
  } catch (cause) {
    throw new Fault('artifact.metrics', 'metrics.json is not JSON', { cause })
  }
}
