/**
 * The steps of a training run, each over what those before it have left in the run's folder: a dataset, what the trainer
 * made of it, a sealed artifact, its golden rows answered, two score sheets, a verdict, a registered version. Nothing
 * leaves the folder before the last step, so a run that ends early has published nothing.
 */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Step, StepResult, StepWork, Workshop } from '../../actors/training/run.ts'
import { openArtifact } from '../../models/artifact.ts'
import { type DatasetManifest, parseDatasetManifest } from '../../models/dataset/manifest.ts'
import { type GateSettings, judge } from '../../models/judging/gate.ts'
import type { Comparison, Sheet } from '../../models/judging/sheet.ts'
import type { Verdict } from '../../models/judging/verdict.ts'
import { score } from '../../models/scores/score.ts'
import { parseTrained, type Trained, type TrainRequest } from '../../models/training/request.ts'
import { type Lane, type Version, versionName } from '../../models/version.ts'
import type { WorkFolder } from './work-folder.ts'

export interface Tools {
  readonly folder: WorkFolder
  readonly gate: GateSettings
  /** Writes a dataset folder; refuses with `data.…` where there is nothing to learn from. */
  readonly dataset: (work: StepWork, out: string) => Promise<void>
  /** What the trainer is to do, over that dataset. */
  readonly request: (
    work: StepWork,
    dataset: string,
    manifest: DatasetManifest,
    out: string,
  ) => Promise<TrainRequest>
  /** `path` is where the trainer finds its request. */
  readonly fit: (work: StepWork, request: TrainRequest, path: string) => Promise<Trained>
  /** Makes an artifact folder of what the trainer has left. */
  readonly seal: (work: StepWork, from: Fitted, scores: unknown, out: string) => Promise<void>
  readonly verify: (work: StepWork, artifact: string) => Promise<void>
  readonly evaluate: (work: StepWork, from: Fitted, artifact: string) => Promise<Comparison>
  readonly publish: (
    lane: Lane,
    artifact: string,
    run: number,
    verdict: Verdict,
  ) => Promise<Version>
}

/** What the first two steps have left. */
export interface Fitted {
  /** Its folder. */
  readonly dataset: string
  readonly manifest: DatasetManifest
  readonly request: TrainRequest
  readonly trained: Trained
}

export function workshop(tools: Tools): Workshop {
  const { folder } = tools
  const work: Readonly<Record<Step, (it: StepWork) => Promise<StepResult>>> = {
    dataset: (it) => dataset(tools, it),
    fit: (it) => fit(tools, it),
    export: (it) => seal(tools, it),
    verify: (it) => verify(tools, it),
    evaluate: (it) => evaluate(tools, it),
    judge: (it) => pass(tools, it),
    publish: (it) => publish(tools, it),
  }
  return {
    work,
    product: (run, step) => folder.product(run.id, step),
    clear: (run, from) => folder.clear(run.id, from),
    leave: (run, state) => folder.leave(run.id, state),
  }
}

async function dataset(tools: Tools, work: StepWork): Promise<StepResult> {
  const out = tools.folder.of(work.run.id, 'dataset')
  await tools.dataset(work, out)
  const { rows, flaws, columns } = await datasetIn(out)
  return { detail: `${flaws.none} examples in ${rows} rows of ${columns.length} columns` }
}

async function fit(tools: Tools, work: StepWork): Promise<StepResult> {
  const { folder } = tools
  const { id } = work.run
  const [from, to] = [folder.of(id, 'dataset'), folder.of(id, 'fit')]
  // Of this try alone: what a trainer that was given up still writes, it writes nowhere.
  const out = await mkdtemp(join(to, 'out-'))
  const request = await tools.request(work, from, await datasetIn(from), out)
  // Folders are named by what is in them, wherever they lie.
  const warmStart = request.warmStart && basename(request.warmStart)
  const asked = { ...request, datasets: [], out: '', warmStart }
  work.input(hashOf(await folder.product(id, 'dataset'), asked))
  const trained = await tools.fit(work, request, join(to, 'request.json'))
  const { train, validate } = trained.rows
  return {
    detail: `${trained.trainer} on ${trained.device}: ${train} rows, ${validate} to choose by, ${trained.seconds.toFixed(0)} s`,
    trials: trained.trials,
  }
}

async function seal(tools: Tools, work: StepWork): Promise<StepResult> {
  const { folder } = tools
  const { id } = work.run
  work.input(hashOf(await folder.product(id, 'fit'), await folder.product(id, 'dataset')))
  const out = folder.of(id, 'export')
  await tools.seal(work, await fitted(folder, id), null, out)
  const { sha256, bytes } = await openArtifact(out)
  return { detail: `${bytes} bytes, sha256 ${sha256}` }
}

async function verify(tools: Tools, work: StepWork): Promise<StepResult> {
  const { folder } = tools
  const { id } = work.run
  work.input(hashOf(await folder.product(id, 'export')))
  const from = folder.of(id, 'export')
  await tools.verify(work, from)
  const { golden, sha256 } = await openArtifact(from)
  await writeJson(join(folder.of(id, 'verify'), 'verified.json'), { sha256, rows: golden.rows })
  return { detail: `${golden.rows} golden rows are answered as the trainer answered them` }
}

async function evaluate(tools: Tools, work: StepWork): Promise<StepResult> {
  const { folder } = tools
  const { id } = work.run
  const artifact = folder.of(id, 'export')
  const from = await fitted(folder, id)
  work.input(hashOf(await folder.product(id, 'export'), from.request.ranges.test))
  const comparison = await tools.evaluate(work, from, artifact)
  await writeJson(join(folder.of(id, 'evaluate'), 'comparison.json'), comparison)
  return { detail: evaluatedText(comparison) }
}

function evaluatedText({ challenger, incumbent, incumbentMissing }: Comparison): string {
  const { answered, candles } = challenger.coverage
  const beside = incumbent?.subject ?? incumbentMissing ?? 'no skill alone'
  return `${answered} of ${candles} candles that it has not seen, beside ${beside}`
}

/** The artifact is sealed again with its scores beside its weights: what is published says what it is worth. */
async function pass(tools: Tools, work: StepWork): Promise<StepResult> {
  const { folder, gate } = tools
  const { id } = work.run
  work.input(hashOf(await folder.product(id, 'evaluate'), gate))
  const comparison = join(folder.of(id, 'evaluate'), 'comparison.json')
  const { challenger, incumbent } = await readJson<Comparison>(comparison)
  const verdict = judge(challenger, incumbent, gate)
  const { metrics, baseline } = scoresOf(challenger)
  const out = folder.of(id, 'judge')
  const test = { from: verdict.from, to: verdict.to, ...metrics, baseline }
  await tools.seal(work, await fitted(folder, id), { test }, join(out, 'artifact'))
  await writeJson(join(out, 'verdict.json'), verdict)
  return { detail: verdictText(verdict), verdict, metrics, baseline }
}

export function verdictText({ verdict, profile, reasons }: Verdict): string {
  const why = reasons.filter(({ passed }) => !passed).map(({ detail }) => detail)
  return [`${verdict} (${profile})`, ...why].join(': ')
}

async function publish(tools: Tools, work: StepWork): Promise<StepResult> {
  const { folder } = tools
  const { id, lane } = work.run
  work.input(hashOf(await folder.product(id, 'judge')))
  const verdict = await readJson<Verdict>(join(folder.of(id, 'judge'), 'verdict.json'))
  const artifact = join(folder.of(id, 'judge'), 'artifact')
  const version = await tools.publish(lane, artifact, id, verdict)
  await writeJson(join(folder.of(id, 'publish'), 'version.json'), version)
  const what = verdict.verdict === 'refused' ? 'kept, and not to serve' : 'registered, to serve'
  return { detail: `${versionName(version)} is ${what}`, version: version.version }
}

async function fitted(folder: WorkFolder, id: number): Promise<Fitted> {
  const dataset = folder.of(id, 'dataset')
  const request = await readJson<TrainRequest>(join(folder.of(id, 'fit'), 'request.json'))
  return {
    dataset,
    manifest: await datasetIn(dataset),
    request,
    trained: parseTrained(await readFile(join(request.out, 'trained.json'))),
  }
}

async function datasetIn(path: string): Promise<DatasetManifest> {
  return parseDatasetManifest(await readFile(join(path, 'dataset.json')))
}

/** The scores of the candles that it has not seen, and what no skill got on the same ones. */
function scoresOf({ days, frequencies }: Sheet) {
  const { baseline, ...metrics } = score(days, frequencies)
  return { metrics, baseline }
}

async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFile(path, JSON.stringify(value, null, 2))
}

export function hashOf(...parts: readonly unknown[]): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(parts)).digest('hex')}`
}
