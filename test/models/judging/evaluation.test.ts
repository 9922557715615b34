import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { type EvaluationRequest, evaluate } from '../../../models/judging/evaluation.ts'
import { gateDefaults, judge } from '../../../models/judging/gate.ts'
import { score } from '../../../models/scores/score.ts'
import { dayMs, wallClock } from '../../../streams/time.ts'
import { encode, sha256 } from '../../support/models/artifacts.ts'
import { datasetOf, marketCandles } from '../../support/models/datasets.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const models = join(import.meta.dirname, '../../../models')
const limits = { clock: wallClock, limitMs: 60_000 }
let dataset = ''
let from = 0
let to = 0

before(async () => {
  const candles = await marketCandles({ seed: 5, signal: 0.3, days: 9 })
  const made = await datasetOf(candles, temporaryFolder())
  dataset = made.folder
  to = Date.parse(made.manifest.to)
  from = to - 7 * dayMs
})

function asked(artifact: string, change: Partial<EvaluationRequest> = {}): EvaluationRequest {
  return {
    ...{ artifact, subject: 'the challenger', incumbent: null, dataset, ranges: [[from, to]] },
    ...{ fee: 0.001, slippage: 0.0001, frequencies: null, trials: 3 },
    ...change,
  }
}

interface Files {
  readonly golden: { readonly outputs: number[][] }
  readonly manifest: Record<string, unknown> & { files: Record<string, object> }
}

/** The shipped artifact with changed files, sealed again. */
function changed(family: string, change: (files: Files) => void): string {
  const folder = join(temporaryFolder(), family)
  cpSync(join(models, family, 'v1'), folder, { recursive: true })
  const read = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'))
  const files: Files = { golden: read('golden.json'), manifest: read('manifest.json') }
  change(files)
  const golden = encode(files.golden)
  files.manifest.files['golden.json'] = { bytes: golden.length, sha256: sha256(golden) }
  writeFileSync(join(folder, 'golden.json'), golden)
  writeFileSync(join(folder, 'manifest.json'), encode(files.manifest))
  return folder
}

test('two artifacts over the very same candles become two sheets that the gate can judge', async () => {
  const incumbent = { artifact: join(models, 'lightgbm/v1'), subject: 'the incumbent' }
  const seen: number[] = []
  const comparison = await evaluate(asked(join(models, 'linear/v1'), { incumbent }), {
    ...limits,
    progress: (done, of) => seen.push(done / of),
  })
  const { challenger, incumbent: other } = comparison
  const counts = (days: typeof challenger.days) => days.map(({ day, n }) => [day, n])
  assert.deepEqual(counts(challenger.days), counts(other?.days ?? []))
  assert.equal(challenger.days.length, 7)
  // A week of minutes, without the quiet ones and the last horizon.
  const { n, classes } = score(challenger.days)
  assert.ok(n > 9_500 && n <= 7 * 1440 - 15, `${n}`)
  assert.ok(classes && classes.logLoss !== null && classes.logLoss > 0.5 && classes.logLoss < 1.5)
  assert.ok(challenger.golden?.passed && (challenger.golden.distance ?? 1) < 1e-4)
  assert.ok((challenger.inferenceMs?.p95 ?? 0) >= (challenger.inferenceMs?.p50 ?? 1))
  assert.equal(challenger.trials, 3)
  assert.deepEqual(challenger.coverage, { candles: n, answered: n })
  assert.ok((seen.at(-1) ?? 0) >= 1)
  const verdict = judge(challenger, other, gateDefaults)
  assert.ok(verdict.reasons.some((it) => it.code === 'incumbent' && it.found !== null))
})

test('windows are judged as they are served, and so are values without a direction', async () => {
  const tst = await evaluate(asked(join(models, 'tst/v1')), limits)
  assert.ok(score(tst.challenger.days).classes?.logLoss)
  const lookedBack = await datasetOf(
    await marketCandles({ seed: 5, signal: 0.3, days: 7 }),
    temporaryFolder(),
    { label: { kind: 'volatility' }, horizonCandles: 60, ...volatilityColumns() },
  )
  const volatility = asked(join(models, 'volatility/v1'), { dataset: lookedBack.folder })
  const { challenger } = await evaluate(volatility, limits)
  const { values, trading, classes } = score(challenger.days)
  assert.deepEqual([challenger.task, trading, classes], ['regress', null, null])
  assert.ok((values?.ic ?? 0) > 0.2, 'volatility in clusters is foreseen')
})

function volatilityColumns(): { readonly columns: readonly string[] } {
  const text = readFileSync(join(models, 'volatility/v1/manifest.json'), 'utf8')
  return { columns: (JSON.parse(text) as { input: { columns: string[] } }).input.columns }
}

test('candles that it was trained on, and their purge, are left out', async () => {
  const trainedTo = new Date(from + 2 * dayMs).toISOString()
  const artifact = changed('linear', ({ manifest }) => {
    const trained = manifest.trained as { markets: object[] }
    const market = { source: 'tape', coin: 'BTC/USDT', from: new Date(0).toISOString() }
    trained.markets = [{ ...market, to: trainedTo }]
  })
  const { challenger } = await evaluate(asked(artifact), limits)
  assert.equal(challenger.days[0]?.day, from + 2 * dayMs)
  assert.ok((challenger.days[0]?.n ?? 0) <= 1440 - 15)
})

test('golden rows that differ are an answer that the gate refuses', async () => {
  const artifact = changed('linear', ({ golden }) => {
    golden.outputs[0] = [0.5, 0.25, 0.25]
  })
  const { challenger } = await evaluate(asked(artifact), limits)
  assert.deepEqual([challenger.golden?.passed, challenger.days], [false, []])
  const verdict = judge(challenger, null, gateDefaults)
  assert.deepEqual(
    [verdict.verdict, verdict.reasons.filter((it) => !it.passed).map((it) => it.code)],
    ['refused', ['golden']],
  )
})

test('an incumbent that answers another question is named and not compared', async () => {
  const incumbent = { artifact: join(models, 'volatility/v1'), subject: 'the incumbent' }
  const found = await evaluate(asked(join(models, 'linear/v1'), { incumbent }), limits)
  assert.equal(found.incumbent, null)
  assert.match(found.incumbentMissing ?? '', /looks 60 candles ahead/)
  await assert.rejects(evaluate(asked(join(models, 'volatility/v1')), limits), {
    code: 'evaluation.unlike',
  })
})

test('what goes wrong in the child is told by name', async () => {
  const linear = join(models, 'linear/v1')
  await assert.rejects(evaluate(asked('/nowhere'), limits), { code: 'artifact.missing' })
  await assert.rejects(evaluate(asked(linear, { dataset: '/nowhere' }), limits), {
    code: 'dataset.missing',
  })
})

/** Programs in the child's place. */
const children = [
  ['hangs', 400, 'evaluation.timeout', /0\.4 s/, 'setInterval(() => {}, 1000)'],
  [
    'dies',
    60_000,
    'evaluation.died',
    /out of memory/,
    "process.on('message', () => { process.stderr.write('out of memory'); process.exit(7) })",
  ],
] as const

for (const [name, limitMs, code, message, text] of children)
  test(`a child that ${name} is an answer too, and is gone afterwards`, async () => {
    const entry = join(temporaryFolder(), `${name}.mjs`)
    writeFileSync(entry, text)
    const request = asked(join(models, 'linear/v1'))
    const failed = evaluate(request, { clock: wallClock, limitMs, entry })
    await assert.rejects(failed, { code, message })
  })

test('it can be cancelled', async () => {
  const stop = new AbortController()
  const failed = evaluate(asked(join(models, 'linear/v1')), { ...limits, signal: stop.signal })
  stop.abort()
  await assert.rejects(failed, { code: 'evaluation.cancelled' })
  const again = evaluate(asked(join(models, 'linear/v1')), { ...limits, signal: stop.signal })
  await assert.rejects(again, { code: 'evaluation.cancelled' })
})
