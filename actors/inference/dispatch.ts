/**
 * What is given to whom. After every message each child is either full, or nothing waits for it: so a new row needs to be
 * looked at alone, and a child that answered looks through the queue once.
 */
import { chooseHome } from './home.ts'
import type { Model } from './models.ts'
import type { Run } from './queue.ts'
import type { Child, Pool } from './state.ts'
import type { WireCommand } from './wire.ts'

type RunCommand = Extract<WireCommand, { type: 'run' }>

/** Finds a home for a model; it stays without one while no child is well. */
export function settle(pool: Pool, model: Model): void {
  if (model.home !== null) return
  const number = chooseHome(
    [...pool.children.values()]
      .filter((child) => !child.stalled)
      .map((child) => ({ child: child.number, models: child.models.size })),
  )
  const home = number === undefined ? undefined : pool.children.get(number)
  if (home === undefined) return
  model.home = home.number
  home.models.add(model)
  home.toOpen.add(model)
  feed(pool, home, null)
}

/** Those with something to do, after a child was lost; the others wait for the child's next life. */
export function settleBusy(pool: Pool, models: Iterable<Model>): void {
  for (const model of models) {
    if (model.loads.length > 0 || pool.queue.has(model.number)) settle(pool, model)
  }
}

/** The session is let go of, wherever it is. */
export function evict(pool: Pool, model: Model): void {
  const child = model.home === null ? undefined : pool.children.get(model.home)
  child?.models.delete(model)
  child?.toOpen.delete(model)
  if (model.state !== 'absent') {
    child?.address.tell({
      type: 'give',
      epoch: child.epoch,
      command: { type: 'close', model: model.number },
    })
  }
  model.state = 'absent'
  model.home = null
}

/** Fills a child's places, from one model's line or from all that are at home there. */
export function feed(pool: Pool, child: Child, only: Model | null): void {
  if (child.stalled) return
  openNext(pool, child)
  const { underWayMax, bundle } = pool.options
  const isHere = (number: number): boolean => {
    const model = pool.models.get(number)
    return model?.home === child.number && model.state === 'open'
  }
  const msPerRow = (number: number): number => pool.models.get(number)?.rowMs ?? 0
  const from = only === null ? null : only.number
  while (child.underWay.length < underWayMax) {
    const live = pool.queue.take('live', from, isHere, msPerRow, bundle)
    const mayBackfill = live.length === 0 && child.underWay.length < underWayMax - 1
    const runs = mayBackfill ? pool.queue.take('backfill', from, isHere, msPerRow, bundle) : live
    if (runs.length === 0) return
    give(pool, child, runs)
  }
}

/** One at a time, because opening takes as long as many rows, and live work is not to stand behind several. */
function openNext(pool: Pool, child: Child): void {
  if (child.underWay.some((bundle) => bundle.opening !== null)) return
  const [model] = child.toOpen
  if (model === undefined) return
  child.toOpen.delete(model)
  model.state = 'opening'
  pool.bundles += 1
  child.underWay.push({ id: pool.bundles, opening: model.number, runs: [], answered: 0 })
  const { folder, sha256 } = model.artifact
  child.address.tell({
    type: 'give',
    epoch: child.epoch,
    command: { type: 'open', bundle: pool.bundles, model: model.number, folder, sha256 },
  })
}

/** Where nobody is at home any more, it still counts as under way, and comes back when the child's leaving is told. */
function give(pool: Pool, child: Child, runs: readonly Run[]): void {
  pool.bundles += 1
  child.underWay.push({ id: pool.bundles, opening: null, runs, answered: 0 })
  child.address.tell({
    type: 'give',
    epoch: child.epoch,
    command: {
      type: 'run',
      bundle: pool.bundles,
      runs: runs.map(({ model, rows }) => ({ model, rows })),
      ...join(runs),
    },
  })
}

/**
 * Inputs of all runs behind each other, those that several versions share once; where no row overlaps another, nobody
 * needs to be told where they begin.
 */
function join(runs: readonly Run[]): Pick<RunCommand, 'inputs' | 'starts'> {
  const infers = runs.flatMap((run) => run.jobs.map((job) => job.infer))
  const [first] = infers
  if (infers.length === 1 && first !== undefined) {
    const { inputs, starts } = first
    return { inputs, ...(starts && { starts }) }
  }
  const offsets = new Map<Float32Array, number>()
  let length = 0
  for (const { inputs } of infers) {
    if (offsets.has(inputs)) continue
    offsets.set(inputs, length)
    length += inputs.length
  }
  const joined = new Float32Array(length)
  for (const [inputs, offset] of offsets) joined.set(inputs, offset)
  const starts: number[] = []
  for (const { inputs, rows, starts: own } of infers) {
    const offset = offsets.get(inputs) as number
    const width = inputs.length / rows
    for (let row = 0; row < rows; row++) starts.push(offset + (own?.[row] ?? row * width))
  }
  const overlap = offsets.size < infers.length || infers.some((infer) => infer.starts !== undefined)
  return { inputs: joined, ...(overlap && { starts: Uint32Array.from(starts) }) }
}
