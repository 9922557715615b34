/** Children that come, stand still and go, and the versions that are set aside over it. */
import { type Version, versionName } from '../../models/version.ts'
import { tell } from '../../streams/channels.ts'
import { blame, killsMax } from './blame.ts'
import { evict, settle, settleBusy } from './dispatch.ts'
import { fail } from './inference.ts'
import { type Child, giveBack, type Pool, unanswered } from './state.ts'
import type { ChildNews } from './wire.ts'

export function enter(pool: Pool, news: Extract<ChildNews, { type: 'childEntered' }>): void {
  const before = pool.children.get(news.child)
  if (before !== undefined) leave(pool, before, { cause: 'stopped', detail: 'it entered again' })
  pool.children.set(news.child, {
    number: news.child,
    epoch: news.epoch,
    address: news.address,
    underWay: [],
    stalled: false,
    models: new Set(),
    toOpen: new Set(),
  })
  for (const model of pool.models.all) settle(pool, model)
}

/**
 * What waits behind a child's work goes to another, and so do its models, but for those that it is at: they may be what
 * holds it, and would hold the next one too.
 */
export function stall(pool: Pool, child: Child): void {
  const isAnotherWell = [...pool.children.values()].some((it) => it !== child && !it.stalled)
  if (child.stalled || !isAnotherWell) return
  child.stalled = true
  const [oldest, ...behind] = child.underWay
  const suspects = new Set(oldest?.runs.slice(oldest.answered).map((run) => run.model))
  if (oldest?.opening) suspects.add(oldest.opening)
  child.underWay = oldest === undefined ? [] : [oldest]
  giveBack(pool, behind.flatMap(unanswered))
  const moving = [...child.models].filter((model) => !suspects.has(model.number))
  for (const model of moving) evict(pool, model)
  settleBusy(pool, moving)
}

export function leave(
  pool: Pool,
  child: Child,
  { cause, detail }: Pick<Extract<ChildNews, { type: 'childLeft' }>, 'cause' | 'detail'>,
): void {
  pool.children.delete(child.number)
  for (const model of child.models) {
    model.state = 'absent'
    model.home = null
  }
  if (cause === 'stopped') giveBack(pool, child.underWay.flatMap(unanswered))
  else judge(pool, child, `two children ${deaths[cause]} over it: ${detail}`)
  settleBusy(pool, child.models)
}

const deaths = { died: 'died', hung: 'hung', too_large: 'grew too large' } as const

function judge(pool: Pool, child: Child, why: string): void {
  const verdict = blame(child.underWay)
  giveBack(pool, verdict.again)
  for (const job of verdict.poison) {
    fail(job.infer, 'inference.quarantined', why)
    setAside(pool, job.infer.version, why)
  }
  const opening = verdict.opening === null ? undefined : pool.models.get(verdict.opening)
  if (opening === undefined) return
  opening.kills += 1
  if (opening.kills < killsMax) return
  for (const version of [...opening.versions.values()]) setAside(pool, version, why)
}

function setAside(pool: Pool, version: Version, reason: string): void {
  const name = versionName(version)
  const model = pool.models.of(version)
  if (model === undefined) return
  pool.quarantined.set(name, reason)
  const isIts = (it: { readonly version: Version }): boolean => versionName(it.version) === name
  for (const job of pool.queue.remove(model.number, (it) => isIts(it.infer))) {
    fail(job.infer, 'inference.quarantined', reason)
  }
  for (const it of model.loads.filter(isIts)) {
    it.replyTo.tell({ type: 'loadRefused', version, code: 'inference.quarantined', reason })
  }
  model.loads = model.loads.filter((it) => !isIts(it))
  if (pool.models.dismiss(version) !== undefined) evict(pool, model)
  const { coin, family } = version
  tell('version.quarantined', { coin, family, version: version.version, reason })
  pool.options.quarantined(version, reason)
}
