/** What goes wrong in a training run, with real candles, a real trainer's process and a real store. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Workshop } from '../../../actors/training/run.ts'
import { openArtifact } from '../../../models/artifact.ts'
import type { DatasetManifest } from '../../../models/dataset/manifest.ts'
import { openFamily } from '../../../models/family.ts'
import { configSchema } from '../../../ops/config/schema.ts'
import { readRun, type TrainingRead } from '../../../ops/store/training/read-training.ts'
import { artifactFiles } from '../../../ops/store/versions/artifact-files.ts'
import { openRegistry } from '../../../ops/store/versions/registry.ts'
import { openTrainingBench } from '../../../ops/training/bench.ts'
import { openTrainers, type Trainers, trainable } from '../../../ops/training/trainable.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import { candleOf, missingBar } from '../../../streams/candles/fold.ts'
import type { Coin } from '../../../streams/coin.ts'
import { dayMs, minuteMs, wallClock } from '../../../streams/time.ts'
import { marketCandles } from '../../support/models/datasets.ts'
import { badTrainer, linear, nodeTrainer } from '../../support/models/trainers.ts'
import { carryToEnd, order } from '../../support/models/training.ts'
import { openTestStore, startOwnServer } from '../../support/store/database.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const { socket } = await startOwnServer()
const store = await openTestStore({ type: 'socket', path: socket })
const path = temporaryFolder()
const artifacts = join(path, 'artifacts')
const registry = await openRegistry({ store, files: artifactFiles(artifacts), folder: artifacts })
after(async () => {
  await registry.close()
  rmSync(path, { recursive: true, force: true })
})

const market = await marketCandles({ seed: 3, signal: 0.5, days: 14 })
const newest = market.at(-1)?.openAt ?? 0
let epoch = 0

/** Every case has a coin of its own, so nothing of one is seen by another. */
async function stored(coin: string, candles: readonly Candle[]): Promise<Coin> {
  for (let i = 0; i < candles.length; i += 5_000) {
    const some = candles.slice(i, i + 5_000).map((it) => ({ ...it, coin: coin as Coin }))
    await store.write.writeHistory(some)
  }
  return coin as Coin
}

interface Case {
  readonly family?: string
  readonly trainers?: Trainers
  readonly trainer?: ReturnType<typeof badTrainer>
  readonly mend?: (workshop: Workshop) => Workshop
  readonly rowsMax?: number
  readonly warmStart?: boolean
  /** Short only for a trainer that hangs: the start of any other may take long on a busy machine. */
  readonly silenceMs?: number
}

async function train(coin: Coin, it: Case = {}): Promise<TrainingRead> {
  const { journal, workshop } = openTrainingBench({
    ...{ store, registry, path, clock: wallClock, turns: join(path, 'turns') },
    trainerLimits: { silenceMs: it.silenceMs ?? 60_000, memoryBytes: 300 * 2 ** 20 },
    config: configSchema.parse({ market: { source: 'tape' } }),
    trainers: {
      obstacleTo: () => null,
      commandFor: async () => it.trainer ?? nodeTrainer(linear),
      ...it.trainers,
    },
  })
  const lane = { coin, family: it.family ?? 'linear' }
  const { rowsMax = null, warmStart = false } = it
  const { id } = await journal.ask(order({ lane, marketAt: newest + minuteMs, rowsMax, warmStart }))
  const holder = { name: 'test', epoch: ++epoch }
  const timing = { beatMs: 100, silentMsMax: 60_000 }
  const bench = it.mend?.(workshop) ?? workshop
  await carryToEnd(store, { journal, workshop: bench, clock: wallClock, holder, timing }, id)
  return readRun(store.sql, id)
}

async function assertNothingPublished(run: TrainingRead): Promise<void> {
  assert.deepEqual([run.version, await store.reads.models(run.lane)], [null, []])
  const kept = existsSync(artifacts) ? readdirSync(artifacts) : []
  for (const name of kept) await openArtifact(join(artifacts, name))
}

const triesOf = (run: TrainingRead, step: string): number =>
  run.tries.filter((it) => it.step === step).length

const btc = await stored('BTC/USDT', market)

const trainers: readonly [how: Parameters<typeof badTrainer>[0], code: string, tries: number][] = [
  ['crash', 'trainer.crashed', 3],
  ['hang', 'trainer.hung', 3],
  ['grow', 'trainer.too_large', 1],
  ['half', 'trainer.half_artifact', 1],
  ['garbage', 'trainer.crashed', 3],
  ['not_finite', 'model.not_finite', 1],
]
for (const [how, code, tries] of trainers) {
  test(`a trainer, ${how}: failed with ${code} after ${tries}, nothing published`, async () => {
    const silence = how === 'hang' ? { silenceMs: 2_000 } : {}
    const run = await train(btc, { trainer: badTrainer(how), ...silence })
    assert.deepEqual([run.state, run.code, triesOf(run, 'fit')], ['failed', code, tries])
    assert.equal(triesOf(run, 'dataset'), 1, 'the dataset is not made again')
    assert.match(run.log, new RegExp(`fit ${code.replace('.', '\\.')}: `))
    assert.ok(run.message)
    await assertNothingPublished(run)
  })
}

test('golden rows that its graph does not answer are found before anything is judged', async () => {
  const run = await train(btc, { trainer: lyingTrainer() })
  assert.deepEqual([run.state, run.code], ['failed', 'artifact.golden'])
  assert.equal(run.tries.at(-1)?.step, 'verify')
  await assertNothingPublished(run)
})

/** The real trainer, whose golden rows are then changed. */
function lyingTrainer(): ReturnType<typeof badTrainer> {
  const { command, args, env } = nodeTrainer(linear)
  const file = join(path, 'lying-trainer.mjs')
  writeFileSync(
    file,
    `import { spawnSync } from 'node:child_process'
     import { readFileSync, writeFileSync } from 'node:fs'
     const request = process.argv.at(-1)
     spawnSync(process.execPath, [...${JSON.stringify(args)}, request], { stdio: 'inherit' })
     const golden = JSON.parse(readFileSync(request, 'utf8')).out + '/golden.json'
     const { inputs, outputs } = JSON.parse(readFileSync(golden, 'utf8'))
     const others = outputs.map(([sell, hold, buy]) => [sell + 0.01, hold - 0.01, buy])
     writeFileSync(golden, JSON.stringify({ inputs, outputs: others }))`,
  )
  return { command, args: [file], env }
}

test('the disk is full while the artifact is sealed: tried again, then failed, nothing published', async () => {
  const run = await train(btc, {
    mend: (workshop) => ({
      ...workshop,
      work: {
        ...workshop.work,
        // The kernel's own refusal, whoever runs the test and however large the disk.
        export: async (work) => {
          await writeFile('/dev/full', 'manifest')
          return workshop.work.export(work)
        },
      },
    }),
  })
  assert.deepEqual([run.state, run.code, triesOf(run, 'export')], ['failed', 'disk.full', 3])
  assert.match(run.message ?? '', /make room on it/)
  await assertNothingPublished(run)
})

test('too few rows, and rows of one class, are said and not tried again', async () => {
  const few = await train(await stored('FEW/USDT', market.slice(-600)))
  assert.deepEqual([few.state, few.code, triesOf(few, 'dataset')], ['failed', 'data.too_few', 1])
  await assertNothingPublished(few)
  const none = await train('NONE/USDT' as Coin)
  assert.deepEqual([none.state, none.code], ['failed', 'data.too_few'])

  // It only ever rises, by the same share at every candle: never a sell, never a hold.
  const rising = market.map((it, i) => {
    const price = 100 * 1.0001 ** i
    return { ...it, open: price, high: price * 1.0001, low: price, close: price * 1.0001 }
  })
  const one = await train(await stored('RISE/USDT', rising))
  assert.deepEqual([one.state, one.code], ['failed', 'data.one_class'])
  assert.deepEqual([triesOf(one, 'dataset'), triesOf(one, 'fit')], [1, 0])
  await assertNothingPublished(one)
})

test('a family that takes no weights says so, and is not scheduled with a warm start', async () => {
  const run = await train(btc, { warmStart: true })
  assert.deepEqual([run.state, run.code], ['failed', 'training.warm_start'])
  await assertNothingPublished(run)
  const families = { linear: { warmStart: true }, tst: { warmStart: true } }
  const config = configSchema.parse({ fleet: { families } })
  const trainers = { obstacleTo: () => null, commandFor: assert.fail }
  assert.match(trainable('linear', config, trainers).obstacle ?? '', /linear always begins anew/)
  assert.equal(trainable('tst', config, trainers).obstacle, null)
})

test('a family is trained as often as it says itself, or as the configuration says', () => {
  const trainers = { obstacleTo: () => null, commandFor: assert.fail }
  const families = { linear: {}, tst: { retrain: '1d' } }
  const config = configSchema.parse({ fleet: { families } })
  assert.equal(trainable('linear', config, trainers).retrainMs, linear.retrain)
  assert.equal(trainable('tst', config, trainers).retrainMs, dayMs)
})

/** A machine on which `python3` is this script, or is not at all. */
function machine(script: string | null): Trainers {
  const bin = mkdtempSync(join(path, 'bin-'))
  if (script !== null)
    writeFileSync(join(bin, 'python3'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return openTrainers({ path, env: { PATH: bin }, clock: wallClock })
}

test('where nothing may be fetched, what is here is trained and the rest says what it lacks', () => {
  const bin = mkdtempSync(join(path, 'bin-'))
  writeFileSync(join(bin, 'python3'), '#!/bin/sh\necho Python 3.12.9\n', { mode: 0o755 })
  const ports = { path, env: { PATH: bin }, clock: wallClock }
  const family = openFamily('tst')
  assert.equal(openTrainers(ports).obstacleTo(family), null)
  const trainers = openTrainers({ ...ports, mayFetch: false })
  const obstacle = trainers.obstacleTo(family)
  assert.equal(obstacle?.code, 'python.off')
  assert.match(obstacle?.message ?? '', /torch: 3 GB to download.*training\.python is off.*auto/)
  assert.equal(trainers.obstacleTo(openFamily('linear')), null)
})

const pythons: readonly [what: string, script: string | null, code: string, says: RegExp][] = [
  ['missing', null, 'python.missing', /install Python 3\.10 or newer as python3/],
  ['too old', 'echo Python 3.8.1', 'python.too_old', /Python 3\.8\.1 is too old: install/],
  [
    'without its packages and no network',
    'case $1 in --version) echo Python 3.12.1;; *) echo no route to host >&2; exit 1;; esac',
    'python.packages',
    /no route to host.*look at the network/,
  ],
]
for (const [what, script, code, says] of pythons) {
  test(`Python ${what}: said with what to do, and the schedule leaves it alone`, async () => {
    const trainers = machine(script)
    const run = await train(btc, { family: 'lightgbm', trainers })
    assert.deepEqual([run.state, run.code], ['failed', code])
    assert.match(run.message ?? '', says)
    await assertNothingPublished(run)
    const config = configSchema.parse({})
    for (const family of ['lightgbm', 'volatility'])
      assert.match(trainable(family, config, trainers).obstacle ?? '', says)
    assert.equal(
      trainable('linear', config, trainers).obstacle,
      null,
      'linear needs nothing but Node',
    )
  })
}

test('a hole of a week is left out, and counted', async () => {
  const from = newest - 9 * dayMs
  const coin = await stored(
    'HOLE/USDT',
    market.map((it) =>
      it.openAt >= from && it.openAt < from + 7 * dayMs
        ? candleOf(it.coin, missingBar(it.openAt), 0)
        : it,
    ),
  )
  let made: DatasetManifest | undefined
  const run = await train(coin, { mend: lookingAt((it) => (made = it)) })
  assert.ok(['passed', 'refused'].includes(run.state), `${run.state}: ${run.message}`)
  const week = (7 * dayMs) / minuteMs
  assert.ok((made?.flaws.gap ?? 0) >= week, 'what is missing is no example')
  assert.equal(made?.gaps.length, 1)
  assert.match(run.details.dataset ?? '', new RegExp(`^${made?.flaws.none} examples in `))
  const latency = run.verdict?.reasons.find(({ code }) => code === 'latency')
  const { inferenceMsMax } = configSchema.parse({}).gate
  assert.equal(latency?.limit, inferenceMsMax, 'a training judges by the budget of all others')
})

test('labels that would reach past the end are nobody’s example, and nobody is judged by them', async () => {
  let made: DatasetManifest | undefined
  const run = await train(btc, { mend: lookingAt((it) => (made = it)) })
  assert.ok(['passed', 'refused'].includes(run.state), `${run.state}: ${run.message}`)
  // At the beginning its thresholds have no past to be measured by; at the end there is no future.
  const past = (linear.label as { readonly lookback: number }).lookback
  assert.ok((made?.flaws.unlabelled ?? 0) >= (made?.horizonCandles ?? 0))
  assert.ok((made?.flaws.unlabelled ?? 0) <= (made?.horizonCandles ?? 0) + past)
  const [model] = await store.reads.models(run.lane)
  assert.equal(model?.version, run.version)
  const folder = join(artifacts, model?.sha256 ?? '')
  const artifact = await openArtifact(folder)
  const metrics = JSON.parse(readFileSync(join(folder, 'metrics.json'), 'utf8'))
  assert.ok(metrics.scores.test.n > 0 && metrics.scores.test.baseline, 'it says what it is worth')
  const { to } = artifact.manifest.trained
  assert.ok(Date.parse(to) + 15 * minuteMs <= Date.parse(metrics.scores.test.from))
})

/** Hands out what the dataset says of itself, before its folder is gone. */
function lookingAt(see: (manifest: DatasetManifest) => void) {
  return (workshop: Workshop): Workshop => ({
    ...workshop,
    work: {
      ...workshop.work,
      fit: async (work) => {
        const folder = join(path, 'training', store.database, String(work.run.id), 'dataset')
        see(JSON.parse(readFileSync(join(folder, 'dataset.json'), 'utf8')))
        return workshop.work.fit(work)
      },
    },
  })
}
