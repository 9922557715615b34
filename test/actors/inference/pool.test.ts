import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  Infer,
  InferFailed,
  Inferred,
  Loaded,
  LoadRefused,
} from '../../../actors/inference/inference.ts'
import { inferencePool, receive } from '../../../actors/inference/pool.ts'
import { emptyPool, type Pool, poolDefaults } from '../../../actors/inference/state.ts'
import type { ChildEnd, RunResult, WireCommand } from '../../../actors/inference/wire.ts'
import type { Version } from '../../../models/version.ts'
import { address, versionOf } from '../../support/actors/pool.ts'

type Reply = Loaded | LoadRefused | Inferred | InferFailed

/** The pool as plain functions, with children that do what they are told when they are told to. */
class Stage {
  readonly pool: Pool
  readonly replies: string[] = []
  readonly quarantined: string[] = []
  readonly given = new Map<number, WireCommand[]>()
  readonly epochs = new Map<number, number>()
  #ids = 0

  constructor(options: Partial<typeof poolDefaults> = {}) {
    this.pool = emptyPool({
      ...poolDefaults,
      ...options,
      quarantined: (version) => this.quarantined.push(`${version.family}@${version.version}`),
    })
  }

  enter(child: number): void {
    const epoch = (this.epochs.get(child) ?? 0) + 1
    this.epochs.set(child, epoch)
    this.given.set(child, [])
    const take = address<{ epoch: number; command: WireCommand }>((it) => {
      if (it.epoch === epoch) this.given.get(child)?.push(it.command)
    })
    receive(this.pool, { type: 'childEntered', child, epoch, address: take })
  }

  load(version: Version, sha256 = version.family): void {
    const artifact = { folder: sha256, sha256, inputWidth: 1 }
    receive(this.pool, { type: 'load', version, artifact, replyTo: address(this.#hear) })
  }

  /** The child comes and opens these, one after the other. */
  open(child: number, ...versions: readonly Version[]): void {
    this.enter(child)
    for (const version of versions) this.load(version)
    for (const _ of versions) this.obey(child)
  }

  infer(version: Version, values: number[] = [0], urgency: Infer['urgency'] = 'live'): void {
    this.inferThese(version, Float32Array.from(values), urgency)
  }

  inferThese(version: Version, inputs: Float32Array, urgency: Infer['urgency'] = 'live'): void {
    this.#ids += 1
    receive(this.pool, {
      type: 'infer',
      id: this.#ids,
      version,
      urgency,
      rows: inputs.length,
      inputs,
      replyTo: address(this.#hear),
    })
  }

  /** The child does its next command. */
  obey(child: number, results?: (rows: number) => RunResult): WireCommand {
    const command = this.given.get(child)?.shift()
    assert(command !== undefined, `child ${child} has nothing to do`)
    const epoch = this.epochs.get(child) ?? 0
    if (command.type === 'open') {
      const answer = { type: 'opened', bundle: command.bundle, rss: 1 } as const
      receive(this.pool, { type: 'childAnswered', child, epoch, answer })
    }
    if (command.type === 'run') {
      const done: RunResult = { type: 'done', width: 1, ms: 1 }
      const answers = command.runs.map((run) => results?.(run.rows) ?? done)
      const outputs = command.inputs.map((it) => it * 10)
      const { bundle } = command
      const answer = { type: 'ran', bundle, results: answers, outputs, rss: 1 } as const
      receive(this.pool, { type: 'childAnswered', child, epoch, answer })
    }
    return command
  }

  leave(child: number, cause: ChildEnd): void {
    const epoch = this.epochs.get(child) ?? 0
    receive(this.pool, { type: 'childLeft', child, epoch, cause, detail: 'SIGSEGV' })
  }

  stall(child: number): void {
    const epoch = this.epochs.get(child) ?? 0
    receive(this.pool, { type: 'childStalled', child, epoch })
  }

  types(child: number): string[] {
    return (this.given.get(child) ?? []).map((it) =>
      it.type === 'run' ? `run ${it.runs.map((run) => run.rows).join('+')}` : it.type,
    )
  }

  readonly #hear = (reply: Reply): void => {
    if (reply.type === 'inferred') this.replies.push(`${reply.id}: ${reply.outputs.join(' ')}`)
    else if (reply.type === 'inferFailed') this.replies.push(`${reply.id}: ${reply.code}`)
    else this.replies.push(reply.type === 'loaded' ? 'loaded' : `refused ${reply.code}`)
  }
}

const a = versionOf('a')
const b = versionOf('b')

/** The first child has both rows, each in a run of its own, and stalls; a second one is there. */
function stalled(): Stage {
  const stage = new Stage({ bundle: { ...poolDefaults.bundle, runsMax: 1 } })
  stage.open(0, a, b)
  stage.infer(a, [1])
  stage.infer(b, [2])
  stage.enter(1)
  stage.stall(0)
  return stage
}

test('a model is opened before its first work, and the work waits for it', () => {
  const stage = new Stage()
  stage.load(a)
  stage.infer(a, [1])
  assert.deepEqual(stage.replies, [], 'no child has come')
  stage.enter(0)
  assert.deepEqual(stage.types(0), ['open'])
  stage.obey(0)
  stage.obey(0)
  assert.deepEqual(stage.replies, ['loaded', '1: 10'])
})

test('versions with the same artifact share a session, and their rows share a run', () => {
  const stage = new Stage({ underWayMax: 1 })
  stage.enter(0)
  const [btc, eth] = [versionOf('a', 1, 'BTC/USDT'), versionOf('a', 1, 'ETH/USDT')]
  stage.load(btc)
  stage.load(eth)
  stage.obey(0)
  stage.infer(btc, [1])
  stage.infer(btc, [2])
  stage.infer(eth, [3])
  stage.obey(0)
  assert.deepEqual(stage.types(0), ['run 2'])
  stage.obey(0)
  assert.deepEqual(stage.replies, ['loaded', 'loaded', '1: 10', '2: 20', '3: 30'])
})

test('numbers that several versions are asked about go to a child once', () => {
  const stage = new Stage()
  const [a, b] = [versionOf('a'), versionOf('b')]
  stage.open(0, a, b)
  for (let i = 0; i < poolDefaults.underWayMax; i++) stage.infer(a)
  const shared = Float32Array.of(7, 8)
  stage.inferThese(a, shared)
  stage.inferThese(b, shared)
  stage.infer(b, [9])
  stage.obey(0)
  const given = stage.given.get(0)?.at(-1)
  assert(given?.type === 'run')
  assert.deepEqual(
    given.runs.map(({ rows }) => rows),
    [2, 3],
  )
  assert.deepEqual(
    [[...given.inputs], [...(given.starts ?? [])]],
    [
      [7, 8, 9],
      [0, 1, 0, 1, 2],
    ],
  )
})

test('backfill never takes the last place at a child', () => {
  const stage = new Stage({ underWayMax: 2 })
  stage.open(0, a)
  stage.infer(a, [1], 'backfill')
  stage.infer(a, [2], 'backfill')
  assert.deepEqual(stage.types(0), ['run 1'])
  stage.infer(a, [3], 'live')
  assert.deepEqual(stage.types(0), ['run 1', 'run 1'])
})

test('models spread over the children', () => {
  const stage = new Stage()
  stage.enter(0)
  stage.enter(1)
  stage.load(a)
  stage.load(b)
  assert.deepEqual([stage.types(0), stage.types(1)], [['open'], ['open']])
})

test('work of a child that died is done by another, after its model was opened there', () => {
  const stage = new Stage()
  stage.open(0, a)
  stage.infer(a, [7])
  stage.enter(1)
  stage.leave(0, 'died')
  assert.deepEqual(stage.types(1), ['open'])
  stage.obey(1)
  stage.obey(1)
  assert.deepEqual(stage.replies, ['loaded', '1: 70'])
})

test('an answer of an earlier life of a child is not heard', () => {
  const stage = new Stage()
  stage.enter(0)
  stage.load(a)
  stage.enter(0)
  const answer = { type: 'opened', bundle: 1, rss: 1 } as const
  receive(stage.pool, { type: 'childAnswered', child: 0, epoch: 1, answer })
  assert.deepEqual(stage.replies, [])
  stage.obey(0)
  assert.deepEqual(stage.replies, ['loaded'])
})

test('a job that kills two children sets its version aside; loading it anew ends that', () => {
  const stage = new Stage()
  stage.open(0, a, b)
  stage.infer(a, [1])
  stage.infer(b, [2])
  stage.leave(0, 'died')
  stage.enter(0)
  stage.obey(0)
  stage.obey(0)
  stage.leave(0, 'died')
  assert.deepEqual(stage.quarantined, ['a@1'])
  stage.enter(0)
  stage.obey(0)
  stage.obey(0)
  stage.infer(a, [3])
  assert.deepEqual(stage.replies, [
    'loaded',
    'loaded',
    '1: inference.quarantined',
    '2: 20',
    '3: inference.quarantined',
  ])
  stage.load(a)
  stage.infer(a, [4])
  stage.obey(0)
  stage.obey(0)
  assert.deepEqual(stage.replies.slice(-2), ['loaded', '4: 40'])
})

test('a child that was stopped accuses nobody, however often', () => {
  const stage = new Stage()
  stage.load(a)
  stage.infer(a, [1])
  for (let at = 0; at < 3; at += 1) {
    stage.enter(0)
    stage.obey(0)
    stage.leave(0, 'stopped')
  }
  stage.enter(0)
  stage.obey(0)
  stage.obey(0)
  assert.deepEqual(stage.replies, ['loaded', '1: 10'])
})

test('a stalled child keeps what it is at; the rest and their models go to another', () => {
  const stage = stalled()
  assert.deepEqual(stage.types(1), ['open'])
  stage.obey(1)
  stage.obey(1)
  assert.deepEqual(stage.replies.slice(2), ['2: 20'])
  stage.infer(a, [3])
  assert.deepEqual(stage.types(1), [], 'what may be holding one child is not given to the next')
  stage.obey(0)
  assert.deepEqual(stage.replies.slice(2), ['2: 20', '1: 10'])
})

test('an answer that comes after its work was given to another is told once', () => {
  const stage = stalled()
  stage.obey(0)
  stage.obey(0)
  stage.obey(1)
  stage.obey(1)
  assert.deepEqual(stage.replies.slice(2), ['1: 10', '2: 20'])
})

test('a full queue refuses, and says that it may be asked again', () => {
  const stage = new Stage({ queue: { rowsMax: 2, numbersMax: 100 } })
  stage.load(a)
  for (const it of [1, 2, 3]) stage.infer(a, [it])
  assert.deepEqual(stage.replies, ['3: inference.full'])
})

test('what cannot be asked is refused at once', () => {
  const stage = new Stage()
  stage.infer(a, [1])
  stage.load(b)
  stage.infer(b, [])
  assert.deepEqual(stage.replies, ['1: inference.unloaded', '2: inference.refused'])
})

test('what waits for a version that is unloaded is answered, and its session closed', () => {
  const stage = new Stage()
  stage.open(0, a)
  stage.leave(0, 'stopped')
  stage.infer(a, [1])
  receive(stage.pool, { type: 'unload', version: a })
  assert.deepEqual(stage.replies, ['loaded', '1: inference.unloaded'])
  stage.enter(0)
  assert.deepEqual(stage.types(0), [])
})

test('a pool that ends leaves nobody waiting', () => {
  const stage = new Stage({ underWayMax: 1 })
  stage.open(0, a)
  stage.infer(a, [1])
  stage.infer(a, [2])
  inferencePool(stage.pool.options).end?.(stage.pool)
  assert.deepEqual(stage.replies, ['loaded', '1: inference.stopped', '2: inference.stopped'])
})
