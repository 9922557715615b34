/**
 * The inference pool: rows come in by version, children take them in bundles, answers go back. Each child has up to four
 * bundles under way, so that its next one waits at its door; what cannot be taken is refused, never held without a bound.
 * Every `infer` it took is answered once. Work of a child that died is given to another; a job that two children died over
 * is poison, and its version is set aside alone.
 */
import { versionName } from '../../models/version.ts'
import type { ActorSpec } from '../protocol.ts'
import { hear, reportLoaded } from './answers.ts'
import { evict, feed, settle } from './dispatch.ts'
import {
  fail,
  type Infer,
  type InferenceCommand,
  type Load,
  type Unload,
  whyNotRows,
} from './inference.ts'
import { enter, leave, stall } from './losses.ts'
import { type Child, emptyPool, type Pool, type PoolOptions, unanswered } from './state.ts'
import type { ChildNews } from './wire.ts'

export type PoolMessage = InferenceCommand | ChildNews

export function inferencePool(options: PoolOptions): ActorSpec<Pool, PoolMessage> {
  return {
    kind: 'inferencePool',
    // One message a version and candle, and 200 coins with 9 versions each may close at once; with room for backfill.
    mailboxMax: 16_384,
    deadlineMs: 10_000,
    start: () => emptyPool(options),
    receive: (pool, message) => {
      receive(pool, message)
      return pool
    },
    end: stop,
  }
}

export function receive(pool: Pool, message: PoolMessage): void {
  switch (message.type) {
    case 'infer':
      take(pool, message)
      break
    case 'load':
      load(pool, message)
      break
    case 'unload':
      unload(pool, message)
      break
    case 'childEntered':
      enter(pool, message)
      break
    case 'childAnswered':
      withChild(pool, message, (child) => {
        child.stalled = false
        hear(pool, child, message.answer)
        feed(pool, child, null)
      })
      break
    case 'childStalled':
      withChild(pool, message, (child) => stall(pool, child))
      break
    case 'childLeft':
      withChild(pool, message, (child) => leave(pool, child, message))
      break
  }
}

/** News of an earlier life of a child is no news. */
function withChild(
  pool: Pool,
  news: { readonly child: number; readonly epoch: number },
  act: (child: Child) => void,
): void {
  const child = pool.children.get(news.child)
  if (child?.epoch === news.epoch) act(child)
}

function take(pool: Pool, infer: Infer): void {
  const quarantined = pool.quarantined.get(versionName(infer.version))
  if (quarantined !== undefined) {
    fail(infer, 'inference.quarantined', quarantined)
    return
  }
  const model = pool.models.of(infer.version)
  if (model === undefined) {
    fail(infer, 'inference.unloaded', 'this version has not been loaded')
    return
  }
  const { inputWidth } = model.artifact
  const wrong = whyNotRows(infer, inputWidth)
  if (wrong !== undefined) {
    fail(infer, 'inference.refused', wrong)
    return
  }
  if (!pool.queue.offer({ infer, model: model.number, kills: 0, alone: false })) {
    fail(infer, 'inference.full', `${pool.queue.rows} rows are waiting`)
    return
  }
  settle(pool, model)
  const home = model.home === null ? undefined : pool.children.get(model.home)
  if (home !== undefined) feed(pool, home, model)
}

function load(pool: Pool, command: Load): void {
  const { version, artifact } = command
  pool.quarantined.delete(versionName(version))
  const before = pool.models.of(version)
  if (before !== undefined && before.artifact.sha256 !== artifact.sha256) {
    unload(pool, { type: 'unload', version })
  }
  const model = pool.models.enrol(version, artifact)
  if (model.state === 'open') {
    reportLoaded(model, command)
    return
  }
  model.loads.push(command)
  settle(pool, model)
}

function unload(pool: Pool, { version }: Unload): void {
  const name = versionName(version)
  const model = pool.models.of(version)
  if (model === undefined) return
  const isIts = (it: { readonly version: Unload['version'] }): boolean =>
    versionName(it.version) === name
  for (const job of pool.queue.remove(model.number, (it) => isIts(it.infer))) {
    fail(job.infer, 'inference.unloaded', 'it was unloaded meanwhile')
  }
  for (const { replyTo } of model.loads.filter(isIts)) {
    const reason = 'it was unloaded meanwhile'
    replyTo.tell({ type: 'loadRefused', version, code: 'inference.unloaded', reason })
  }
  model.loads = model.loads.filter((it) => !isIts(it))
  if (pool.models.dismiss(version) !== undefined) evict(pool, model)
}

/** What is still held is answered, so that nobody waits for it. */
function stop(pool: Pool): void {
  const held = [...pool.children.values()].flatMap((child) => child.underWay.flatMap(unanswered))
  for (const job of [...held, ...pool.queue.clear()]) {
    fail(job.infer, 'inference.stopped', 'the pool has stopped')
  }
}
