/**
 * The trainers that need Python, each as a training run starts it: over a small made market, in the environment that is made
 * for it, its graph judged by the runtime that serves. The first run of all downloads packages; later ones find them.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runTrainer, type TrainerCommand } from '../../actors/training/trainer-process.ts'
import { type Family, openFamily } from '../../models/family.ts'
import { evaluate } from '../../models/judging/evaluation.ts'
import { type Scores, score } from '../../models/scores/score.ts'
import type { TrainerEvent } from '../../models/training/events.ts'
import type { Trained, TrainRequest } from '../../models/training/request.ts'
import { seal } from '../../models/training/seal.ts'
import { pythonFor, type Requirements } from '../../ops/training/python.ts'
import { minuteMs, wallClock } from '../../streams/time.ts'
import { datasetOf, marketCandles } from '../support/models/datasets.ts'
import { requestFor } from '../support/models/trainers.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const environments = join(import.meta.dirname, '../../.starling/test-python')
const commands = new Map<Requirements, TrainerCommand>()
const root = temporaryFolder()
after(() => rmSync(root, { recursive: true, force: true }))
type MadeDataset = Awaited<ReturnType<typeof datasetOf>>
const datasets = new Map<string, MadeDataset>()

async function made(signal: number, family: Family): Promise<MadeDataset> {
  const name = `${signal}-${family.label.kind}-${family.horizon}-${family.input.columns.length}`
  const known = datasets.get(name)
  if (known) return known
  const candles = await marketCandles({ seed: 11, signal, days: 21 })
  const dataset = await datasetOf(candles, join(root, name), {
    label: family.label,
    horizonCandles: family.horizon / minuteMs,
    columns: family.input.columns,
  })
  datasets.set(name, dataset)
  return dataset
}

before(async () => {
  mkdirSync(environments, { recursive: true })
  for (const requirements of ['trees', 'torch'] as const) {
    const { signal } = new AbortController()
    const env = process.env
    const python = { path: environments, requirements, env, say: () => {}, signal }
    commands.set(requirements, { ...(await pythonFor(python)), args: [] })
  }
})

function commandOf({ trainer, folder }: Family): TrainerCommand {
  assert.equal(trainer.runtime, 'python')
  const command = commands.get(trainer.requirements)
  assert.ok(command)
  return { ...command, args: [join(folder, trainer.entry)] }
}

interface Run {
  readonly dataset: MadeDataset
  readonly request: TrainRequest
  readonly trained: Trained
  readonly events: readonly TrainerEvent[]
}

let runs = 0

async function run(
  family: Family,
  dataset: MadeDataset,
  change: Partial<TrainRequest> = {},
  heard: (event: TrainerEvent) => void = () => {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Run> {
  const { request, path } = requestFor(family, dataset, join(root, `run-${runs++}`), change)
  const events: TrainerEvent[] = []
  const limits = {
    clock: wallClock,
    silenceMs: 60_000,
    limitMs: 500_000,
    memoryBytes: family.memoryMb * 2 ** 20,
    signal,
  }
  const event = (it: TrainerEvent): void => {
    events.push(it)
    heard(it)
  }
  const trained = await runTrainer(request, path, commandOf(family), limits, {
    event,
    log: () => {},
  })
  return { dataset, request, trained, events }
}

/** On candles that it has not seen, by the runtime that serves. */
async function judged({ dataset, request, trained }: Run): Promise<Scores> {
  const artifact = join(request.out, '../sealed')
  const datasets = [dataset.manifest]
  await seal({ request, trained, datasets, coin: dataset.manifest.coin, scores: null }, artifact)
  const { challenger } = await evaluate(
    {
      artifact,
      subject: request.family,
      incumbent: null,
      dataset: dataset.folder,
      ranges: request.ranges.test,
      fee: 0.001,
      slippage: 0,
      frequencies: trained.frequencies,
      trials: 1,
    },
    { clock: wallClock, limitMs: 360_000 },
  )
  assert.equal(challenger.golden?.passed, true, challenger.golden?.detail)
  return score(challenger.days, trained.frequencies)
}

function bytesOf({ request }: Run, name: string): Buffer {
  return readFileSync(join(request.out, name))
}

function golden(it: Run): { readonly inputs: number[][]; readonly outputs: number[][] } {
  return JSON.parse(String(bytesOf(it, 'golden.json')))
}

const lightgbm = openFamily('lightgbm')
const small = { ...lightgbm.settings, rounds: 120 }

test('lightgbm learns where there is structure, and says so on candles it has not seen', async () => {
  const it = await run(lightgbm, await made(0.6, lightgbm), { settings: small })
  assert.ok(it.trained.parity <= 1e-5, `every row within 1e-5, not ${it.trained.parity}`)
  assert.equal(golden(it).inputs.length, 32)
  const shares = Object.values(it.trained.importance ?? {})
  assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-6)
  const { classes, baseline } = await judged(it)
  const [ours, theirs] = [classes?.logLoss ?? Number.NaN, baseline.classes?.logLoss ?? Number.NaN]
  assert.ok(ours < theirs, `log loss ${ours} against ${theirs} of no skill`)
  assert.equal(it.events[0]?.type, 'started')
  assert.equal(it.events.at(-1)?.type, 'done')
  assert.ok(it.events.some((event) => event.type === 'progress' && event.part === 'round'))
})

test('lightgbm is the same artifact from the same seed and dataset, and another from another', async () => {
  const dataset = await made(0.6, lightgbm)
  const settings = { ...small, rounds: 30 }
  const [first, again] = [
    await run(lightgbm, dataset, { settings }),
    await run(lightgbm, dataset, { settings }),
  ]
  const other = await run(lightgbm, dataset, { settings, seed: 2 })
  assert.ok(bytesOf(first, 'model.onnx').equals(bytesOf(again, 'model.onnx')))
  assert.deepEqual(golden(first), golden(again))
  assert.ok(!bytesOf(first, 'model.onnx').equals(bytesOf(other, 'model.onnx')))
})

test('of several datasets the newest rows of each are learnt from, in proportion to its length', async () => {
  const { command, env } = commandOf(lightgbm)
  const code = `
import numpy as np
from starling_models.rows import newest
print([p.tolist() for p in newest([np.arange(90), np.arange(10)], 20)], [len(p) for p in newest([np.arange(90), np.arange(10)], 1000)])`
  const { stdout, stderr } = spawnSync(command, ['-c', code], { env, encoding: 'utf8' })
  const last = Array.from({ length: 18 }, (_, i) => 72 + i).join(', ')
  assert.equal(stdout.trim(), `[[${last}], [8, 9]] [90, 10]`, stderr)
})

test('every trial of a search is told and counted, and the defaults are one of them', async () => {
  const change = { trials: 4, settings: { ...small, rounds: 20 } }
  const it = await run(lightgbm, await made(0.6, lightgbm), change)
  const told = it.events.filter((event) => event.type === 'trial')
  assert.deepEqual(
    told.map(({ number }) => number),
    [0, 1, 2, 3],
  )
  assert.equal(it.trained.trials.length, 4)
  const losses = it.trained.trials.flatMap(({ loss }) => loss ?? [])
  assert.equal(new Set(it.trained.trials.map(({ settings }) => settings.rate)).size, 4)
  const kept = it.trained.trials.find(({ loss }) => loss === Math.min(...losses))
  assert.equal(kept?.settings.rate, it.trained.settings.rate)
})

test('a setting whose numbers run away is counted as failed, and the search goes on without it', () => {
  const { command, env } = commandOf(lightgbm)
  const code = `
from types import SimpleNamespace as It
from starling_models.protocol import Refused
from starling_models.search import search
def family(losses):
    left = iter(losses)
    fit = lambda parts, settings, job, trial: It(loss=next(left), settings=settings)
    return It(fit=fit, space=lambda trial, defaults: {"rate": trial.suggest_float("rate", 0, 1)})
job = It(request={"settings": {"rate": 0.5}, "trials": 3}, seed=1)
best, trials = search(family([0.9, float("nan"), 0.8]), None, job)
print(best.loss, [it["state"] for it in trials], [it["loss"] for it in trials])
try:
    search(family([float("nan")] * 3), None, job)
except Refused as refused:
    print(refused.code)`
  const { stdout, stderr } = spawnSync(command, ['-c', code], { env, encoding: 'utf8' })
  const said = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
  const states = "['complete', 'failed', 'complete'] [0.9, None, 0.8]"
  assert.deepEqual(said, [`0.8 ${states}`, 'model.not_finite'], stderr)
})

test('where there is no structure, lightgbm is no better than no skill', async () => {
  const it = await run(lightgbm, await made(0, lightgbm), { settings: small })
  const p = (await judged(it)).versus.logLoss?.p ?? 1
  assert.ok(p > 0.01, `it seems to know something, p ${p}`)
})

test('volatility answers in its own unit, by a graph that agrees with the framework', async () => {
  const family = openFamily('volatility')
  const it = await run(family, await made(0.6, family), {
    settings: { ...family.settings, rounds: 80 },
  })
  assert.ok(it.trained.parity <= 1e-5, `${it.trained.parity}`)
  const { values, baseline } = await judged(it)
  const [ours, theirs] = [values?.rmse ?? Number.NaN, baseline.values?.rmse ?? Number.NaN]
  assert.ok(ours < theirs, `RMSE ${ours} against ${theirs} of the hour before`)
})

test('data that nothing can be learnt from is refused by name', async () => {
  const dataset = await made(0.6, lightgbm)
  const { request } = requestFor(lightgbm, dataset, join(root, 'ranges'))
  const [[from] = [0, 0]] = request.ranges.train
  const ranges = { ...request.ranges, train: [[from, from + 100 * minuteMs] as const] }
  await assert.rejects(run(lightgbm, dataset, { ranges }), { code: 'data.too_few' })
})

test('a stretch of one class in a dataset of two is refused by name', async () => {
  const horizon = lightgbm.horizon / minuteMs
  const candles = await marketCandles({ seed: 11, signal: 0.6, days: 21 })
  let carried = Number.NaN
  const closes = candles.map(({ state, close }) => (carried = state === 'empty' ? carried : close))
  const change = candles.map(({ state }, i) =>
    state === 'empty' ? -1 : (closes[i + horizon] ?? 0) / (closes[i] as number) - 1,
  )
  const up = Math.max(...change.slice(1_440))
  const label = { kind: 'threshold', up, down: -0.9 } as const
  const oneClass = { ...lightgbm, label, input: { ...lightgbm.input, columns: ['log_return_1'] } }
  const dataset = await made(0.6, oneClass)
  // Its only buy is the greatest rise of all; the longer side of it has none.
  const { request } = requestFor(oneClass, dataset, join(root, 'one-class'))
  const at = candles[change.lastIndexOf(up)]?.openAt ?? 0
  const [from, to] = [Date.parse(dataset.manifest.from), Date.parse(dataset.manifest.to)]
  const train = [at - from > to - at ? ([from, at] as const) : ([at + minuteMs, to] as const)]
  const ranges = { ...request.ranges, train }
  await assert.rejects(run(oneClass, dataset, { ranges }), { code: 'data.one_class' })
})

test('a disk that is full while the artifact is written is told as such', async () => {
  const settings = { ...small, rounds: 5 }
  const dataset = await made(0.6, lightgbm)
  const { request } = requestFor(lightgbm, dataset, join(root, `run-${runs}`))
  symlinkSync('/dev/full', join(request.out, 'model.onnx'))
  await assert.rejects(run(lightgbm, dataset, { settings }), { code: 'disk.full' })
})

test('a cancelled trainer leaves nothing that could be taken for a model', async () => {
  const stop = new AbortController()
  const cut = run(
    lightgbm,
    await made(0.6, lightgbm),
    { settings: { ...small, rounds: 5_000, patience: 5_000 } },
    (event) => {
      if (event.type === 'progress' && event.part === 'round') stop.abort()
    },
    stop.signal,
  )
  await assert.rejects(cut, { code: 'trainer.cancelled' })
  assert.ok(!existsSync(join(root, `run-${runs - 1}`, 'out', 'trained.json')))
})

test('a trainer whose parent is gone ends itself', async () => {
  const dataset = await made(0.6, lightgbm)
  const settings = { ...small, rounds: 5_000, patience: 5_000 }
  const { path, request } = requestFor(lightgbm, dataset, join(root, 'orphan'), { settings })
  const { command, args, env } = commandOf(lightgbm)
  const child = spawn(command, [...args, path], { env, stdio: ['pipe', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  child.stdin.end()
  child.stdout.resume()
  const [code] = await once(child, 'exit')
  assert.equal(code, 1)
  assert.ok(!existsSync(join(request.out, 'trained.json')))
})

const quick = { epochs: 2, stride: 8, patience: 2 }

test('tst learns, repeats itself from the same seed, and begins with the weights it is given', async () => {
  const family = openFamily('tst')
  const dataset = await made(0.6, family)
  const change = { settings: { ...family.settings, ...quick } }
  const first = await run(family, dataset, change)
  assert.ok(first.trained.parity <= 1e-5, `${first.trained.parity}`)
  assert.equal(golden(first).inputs.length, 16)
  const again = await run(family, dataset, change)
  const said = golden(again).outputs.flat()
  golden(first)
    .outputs.flat()
    .forEach((value, i) => {
      assert.ok(Math.abs(value - (said[i] as number)) <= 1e-5, `golden ${i} moved`)
    })
  const { classes, baseline } = await judged(first)
  const [ours, theirs] = [classes?.logLoss ?? Number.NaN, baseline.classes?.logLoss ?? Number.NaN]
  assert.ok(ours < theirs, `log loss ${ours} against ${theirs} of no skill`)
  const warm = await run(family, dataset, {
    settings: { ...change.settings, epochs: 1, rate: 1e-6 },
    warmStart: first.request.out,
  })
  const [cold, begun] = [first, warm].map((it) => it.trained.trials[0]?.loss ?? Number.NaN)
  assert.ok(Math.abs((cold as number) - (begun as number)) < 0.01, `${begun} after ${cold}`)
})

test('a transformer of any size is a lean graph that answers as it does and hands on all of its weights', () => {
  const { command, env } = commandOf(openFamily('tst'))
  const shipped = join(openFamily('tst').folder, 'v1')
  const code = `
import pathlib, sys
import numpy as np, onnx, onnxruntime, torch
from starling_models import nets
def net(width, heads, layers, wide, length, columns):
    chance = np.random.default_rng(width)
    torch.manual_seed(width)
    mean, deviation, shift = chance.normal(size=columns), chance.uniform(0.1, 2, columns), chance.normal(size=3)
    return nets.Tst(mean, deviation, length, shift, width, heads, layers, wide, 0.1).eval()
folder = pathlib.Path(sys.argv[1])
for size in [(64, 2, 2, 128, 30, 24), (32, 4, 1, 48, 7, 5), (96, 3, 3, 64, 12, 40), (16, 1, 2, 8, 1, 1)]:
    length, columns = size[-2:]
    ours, other = net(*size), net(*size)
    graph = ours.to_onnx(length, columns, "probabilities")
    (folder / "model.onnx").write_bytes(graph)
    for weight in other.parameters():
        weight.data.zero_()
    handed = nets.take_over(other, folder) - len(ours.state_dict())
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(folder / "optimised.onnx"), 3
    session = onnxruntime.InferenceSession(graph, options)
    nodes = len(onnx.load(options.optimized_model_filepath).graph.node)
    off = 0.0
    for rows in [1, 5]:
        x = torch.randn(rows, length, columns) * 3
        said = session.run(["probabilities"], {"features": x.numpy()})[0]
        off = max(off, *(np.abs(said - it(x).detach().numpy()).max() for it in (ours, other)))
    print(handed, nodes <= 13 + 13 * size[2], off < 1e-5)
shipped = net(64, 2, 2, 128, 30, 24)
print(nets.take_over(shipped, sys.argv[2]) - len(shipped.state_dict()))`
  const { stdout, stderr } = spawnSync(command, ['-c', code, root, shipped], {
    env,
    encoding: 'utf8',
  })
  assert.deepEqual(stdout.trim().split('\n'), [...Array(4).fill('0 True True'), '0'], stderr)
})

test('a net whose numbers run away is refused', async () => {
  const family = openFamily('tst')
  const settings = { ...family.settings, ...quick, epochs: 1, stride: 40, rate: 1e30 }
  await assert.rejects(run(family, await made(0.6, family), { settings }), {
    code: 'model.not_finite',
  })
})

test('lstm answers with a return', async () => {
  const family = openFamily('lstm')
  const it = await run(family, await made(0.6, family), {
    settings: { ...family.settings, ...quick, epochs: 1, stride: 16 },
  })
  assert.ok(it.trained.parity <= 1e-5, `${it.trained.parity}`)
  assert.ok((await judged(it)).values?.rmse)
})
