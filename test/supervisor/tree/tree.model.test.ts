/**
 * The whole tree against a small model: whatever is told, crashed, hung, set aside, taken away and given back, in any
 * order, the promises of ARCHITECTURE.md's supervision hold at every step and after all has healed. Time is simulated;
 * fast-check prints the seed and the shortest story that breaks a promise.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { population } from '../../../actors/actor.ts'
import type { Rest, Strategy, TreeNode } from '../../../supervisor/tree/spec.ts'
import { settled } from '../../support/actors/settled.ts'
import { type Trouble, World } from '../world.ts'

/** What operators asked for and nothing else: the tree decides the rest. */
interface Model {
  readonly absent: Set<string>
  readonly paused: Set<string>
  readonly quarantined: Set<string>
}

type Act =
  | { readonly type: 'tell'; readonly path: string; readonly trouble: Trouble }
  | {
      readonly type: 'start_goes'
      readonly path: string
      readonly how: 'well' | 'wrong' | 'nowhere'
    }
  | { readonly type: 'pass'; readonly ms: number }
  | {
      readonly type: 'pause' | 'resume' | 'quarantine' | 'release' | 'restart'
      readonly path: string
    }
  | { readonly type: 'remove' | 'add'; readonly path: string }

const leaves = [
  'root/a',
  'root/g/b',
  'root/g/c',
  'root/g/d',
  'root/h/e',
  'root/h/f',
  'root/z',
] as const
const groups = ['root/g', 'root/h'] as const

class Step implements fc.AsyncCommand<Model, World> {
  readonly act: Act

  constructor(act: Act) {
    this.act = act
  }

  check(model: Readonly<Model>): boolean {
    const { act } = this
    switch (act.type) {
      case 'pass':
      case 'tell':
      case 'start_goes':
        return true
      case 'add':
        return model.absent.has(act.path)
      case 'pause':
      case 'resume':
      case 'quarantine':
      case 'release':
      case 'restart':
      case 'remove':
        return !model.absent.has(act.path)
    }
  }

  async run(model: Model, world: World): Promise<void> {
    const { act } = this
    switch (act.type) {
      case 'tell':
        world.tell(act.path, act.trouble)
        break
      case 'start_goes':
        world.starts.set(act.path, act.how)
        break
      case 'pass':
        await world.pass(act.ms)
        break
      case 'pause':
        if (!model.quarantined.has(act.path) && world.find(act.path)?.state !== 'quarantined')
          model.paused.add(act.path)
        world.command((tree) => tree.pause(act.path, 'operator'))
        break
      case 'resume':
        model.paused.delete(act.path)
        world.command((tree) => tree.resume(act.path))
        break
      case 'quarantine':
        model.paused.delete(act.path)
        model.quarantined.add(act.path)
        world.command((tree) => tree.quarantine(act.path, 'operator'))
        break
      case 'release':
        model.quarantined.delete(act.path)
        world.command((tree) => tree.release(act.path))
        break
      case 'restart':
        world.command((tree) => tree.restart(act.path, 'operator'))
        break
      case 'remove':
        model.absent.add(act.path)
        model.paused.delete(act.path)
        model.quarantined.delete(act.path)
        world.command((tree) => tree.remove(act.path))
        await world.pass(10_000)
        break
      case 'add':
        model.absent.delete(act.path)
        world.command((tree) =>
          tree.add(act.path.slice(0, act.path.lastIndexOf('/')), world.specOf(act.path)),
        )
        break
    }
    await settled()
    world.checkAlways()
  }

  toString(): string {
    return Object.values(this.act).join(' ')
  }
}

const leaf = fc.constantFrom(...leaves)
const node = fc.oneof(
  { weight: 4, arbitrary: leaf },
  { weight: 1, arbitrary: fc.constantFrom(...groups) },
)
const trouble = fc.constantFrom<Trouble[]>(
  'work',
  'work',
  'work',
  'slow',
  'crash',
  'crash',
  'hang',
  'reject',
)
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ type: fc.constant('tell'), path: leaf, trouble }),
  fc.record({ type: fc.constant('tell'), path: leaf, trouble }),
  fc.record({ type: fc.constant('pass'), ms: fc.nat(3_000) }),
  fc.record({ type: fc.constant('pass'), ms: fc.nat(100) }),
  fc.record({
    type: fc.constant('start_goes'),
    path: leaf,
    how: fc.constantFrom('well', 'wrong', 'nowhere'),
  }),
  fc.record({
    type: fc.constantFrom('pause', 'resume', 'quarantine', 'release', 'restart'),
    path: node,
  }),
  fc.record({ type: fc.constantFrom('remove', 'add'), path: leaf }),
)
const strategy = fc.constantFrom<Strategy[]>('one_for_one', 'rest_for_one', 'one_for_all')
const commands = fc.commands([act.map((one) => new Step(one))], { maxCommands: 40, size: 'max' })

for (const escalates of [false, true]) {
  const what = escalates ? 'with leaves that escalate' : 'with leaves that are quarantined'
  test(`the tree keeps its promises in any story, ${what}`, { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        strategy,
        strategy,
        strategy,
        commands,
        async (root, first, second, story) => {
          const before = population()
          const world = await World.begin({ root, g: first, h: second }, escalates)
          const model: Model = { absent: new Set(), paused: new Set(), quarantined: new Set() }
          try {
            await fc.asyncModelRun(() => ({ model, real: world }), story)
            await world.heal()
            world.checkAlways()
            if (!world.hasFailed) checkWhole(world, model)
            await world.end()
            assert.deepEqual(population(), before)
          } finally {
            await world.abandon()
          }
        },
      ),
      { numRuns: 500 },
    )
  })
}

/** After quiescence, what runs is what was specified, minus what was set aside by operators or by the tree itself. */
function checkWhole(world: World, model: Model): void {
  const seen = new Map<string, TreeNode>()
  const look = (one: TreeNode): void => {
    seen.set(one.path, one)
    one.children.forEach(look)
  }
  look(world.tree.snapshot())
  for (const path of [...groups, ...leaves]) {
    const one = seen.get(path)
    assert.equal(
      one === undefined,
      model.absent.has(path),
      `${path} is there as long as it is specified`,
    )
    if (one === undefined) continue
    const above = path.slice(0, path.lastIndexOf('/'))
    assert.equal(world.tree.rest(path), restOf(one) ?? restOf(seen.get(above)), path)
    if (model.paused.has(path)) assert.equal(one.state, 'paused', path)
    else if (model.quarantined.has(path)) assert.equal(one.state, 'quarantined', path)
    else if (one.state === 'quarantined')
      assert(world.usedUp.has(path), `${path} crashed too often`)
    else if (seen.get(above)?.state === 'running') assert.equal(one.state, 'running', path)
    else assert.equal(one.state, 'stopped', path)
  }
}

function restOf(one: TreeNode | undefined): Rest | undefined {
  return one?.state === 'paused' || one?.state === 'quarantined' ? one.state : undefined
}
