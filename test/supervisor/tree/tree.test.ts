import assert from 'node:assert/strict'
import { test } from 'node:test'
import { population } from '../../../actors/actor.ts'
import { supervisorPolicy } from '../../../supervisor/tree/restart-policy.ts'
import type { ChildSpec, Strategy, SupervisorSpec, Worker } from '../../../supervisor/tree/spec.ts'
import { supervise } from '../../../supervisor/tree/supervise.ts'
import { openTree, type RunningTree, startTree } from '../../../supervisor/tree/tree.ts'
import { type WorkerOptions, worker } from '../../../supervisor/tree/worker.ts'
import { pass, settled } from '../../support/actors/settled.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

type Order = 'work' | 'crash' | 'fall' | 'hang' | 'leave'

interface Fleet {
  readonly clock: SimulatedClock
  readonly said: string[]
  /** What a start does, by id; it succeeds where nothing is said. */
  readonly starts: Map<string, () => Promise<void>>
  readonly make: (id: string, options?: WorkerOptions) => Worker<Order>
  readonly open: (...children: readonly ChildSpec[]) => RunningTree
  readonly start: (...children: readonly ChildSpec[]) => Promise<RunningTree>
}

const never = (): Promise<never> => new Promise(() => {})

function fleet(strategy: SupervisorSpec['strategy'] = 'one_for_one'): Fleet {
  const clock = new SimulatedClock()
  const said: string[] = []
  const starts = new Map<string, () => Promise<void>>()
  let epoch = 0
  const make = (id: string, options?: WorkerOptions): Worker<Order> =>
    worker<string, Order>(
      id,
      {
        kind: 'probe',
        mailboxMax: 4,
        deadlineMs: 1_000,
        start: async () => {
          await starts.get(id)?.()
          said.push(`+${id}`)
          return id
        },
        receive: (state, order, self) => {
          if (order === 'crash' || order === 'fall') throw new Error('told to')
          if (order === 'hang') return never()
          if (order === 'leave') self.leave()
          if (order === 'work') said.push(`${id} works`)
          return state
        },
        end: () => void said.push(`-${id}`),
      },
      options,
    )
  const epochs = (): number => {
    epoch += 1
    return epoch
  }
  const ports = { clock, random: () => 0.5, epochs }
  return {
    clock,
    said,
    starts,
    make,
    open: (...children) => openTree(group('root', strategy, children), ports),
    start: (...children) => startTree(group('root', strategy, children), ports),
  }
}

const group = (id: string, strategy: Strategy, children: readonly ChildSpec[]): SupervisorSpec =>
  supervise(id, 'group', strategy, children)

function states(tree: RunningTree, ...ids: readonly string[]): string {
  return ids.map((id) => tree.find(`root/${id}`)?.state).join(' ')
}

test('children start in order, each after the start before it has settled, and stop in reverse', async () => {
  const { said, starts, make, start } = fleet()
  starts.set('a', settled)
  const [a, b, c] = [make('a'), make('b'), make('c')]
  const tree = await start(a.spec, group('g', 'one_for_one', [b.spec]), c.spec)
  assert.deepEqual(said, ['+a', '+b', '+c'])
  assert.equal(b.address.path, 'root/g/b')
  assert.deepEqual(await tree.stop(25_000), { killed: [] })
  assert.deepEqual(said.slice(3), ['-c', '-b', '-a'])
  assert.equal(tree.snapshot().state, 'stopped')
})

test('a store that is down at the start holds nothing up for ever, and is tried again until it is there', async () => {
  const { clock, said, starts, make, start } = fleet('rest_for_one')
  starts.set('store', () => Promise.reject(new Error('connection refused')))
  const tree = await start(make('store').spec, make('sink').spec)
  assert.equal(states(tree, 'store', 'sink'), 'waiting stopped')
  assert.equal(tree.find('root/store')?.reason, 'connection refused')
  await pass(clock, 500)
  starts.delete('store')
  await pass(clock, 1_000)
  assert.equal(states(tree, 'store', 'sink'), 'running running')
  assert.deepEqual(said, ['+store', '+sink'])
  await tree.stop(25_000)
})

test('a start that hangs is caught by its deadline, and the tree goes on without it', async () => {
  const { clock, starts, make, start } = fleet()
  starts.set('a', never)
  const starting = start(make('a').spec, make('b').spec)
  await pass(clock, 1_000)
  const tree = await starting
  assert.equal(states(tree, 'a', 'b'), 'waiting running')
  assert.match(tree.find('root/a')?.reason ?? '', /^actor\.deadline/)
  await tree.stop(25_000)
})

test('a crashed worker comes back after its backoff, as a new epoch behind the same address', async () => {
  const { clock, said, make, start } = fleet()
  const a = make('a')
  const tree = await start(a.spec)
  a.address.tell('crash')
  a.address.tell('work')
  await pass(clock, 99)
  assert.equal(states(tree, 'a'), 'waiting')
  assert.equal(a.address.tell('work'), true)
  await pass(clock, 1)
  const node = tree.find('root/a')
  assert.deepEqual([node?.state, node?.epoch, node?.restarts, node?.dropped], ['running', 2, 1, 1])
  assert.deepEqual(said, ['+a', '-a', '+a', 'a works', 'a works'])
  await tree.stop(25_000)
})

test('the newest life at a path is known by its epoch, until the node or what it stood under is removed', async () => {
  const { clock, make, start } = fleet()
  const [a, b] = [make('a'), make('b')]
  const tree = await start(group('g', 'one_for_one', [a.spec]), b.spec)
  assert.equal(tree.epochAt('root/g/a'), 1)
  a.address.tell('crash')
  await pass(clock, 99)
  assert.equal(tree.epochAt('root/g/a'), 1, 'the last one that was')
  await pass(clock, 1)
  assert.deepEqual([tree.epochAt('root/g/a'), tree.epochAt('root/b')], [3, 2])
  await tree.remove('root/g')
  assert.deepEqual([tree.epochAt('root/g/a'), tree.epochAt('root/b')], [undefined, 2])
  await tree.stop(25_000)
})

test('one that crashes on is quarantined with its reason, harms no sibling, and can be released', async () => {
  const { clock, said, make, start } = fleet()
  const [a, b] = [make('a'), make('b')]
  const tree = await start(a.spec, b.spec)
  for (let i = 0; i < 8; i++) {
    a.address.tell(i % 2 === 0 ? 'crash' : 'fall')
    await pass(clock, 15_000)
  }
  const node = tree.find('root/a')
  assert.deepEqual([node?.state, node?.restarts], ['quarantined', 7])
  assert.equal(node?.reason, '8 crashes, the last: told to')
  assert.equal(a.address.tell('work'), false)
  assert.equal(said.filter((line) => line === '+b').length, 1)
  await tree.release('root/a')
  assert.equal(states(tree, 'a', 'b'), 'running running')
  await tree.stop(25_000)
})

test('a supervisor that gives up three times within 30 s takes the root with it', async () => {
  const { clock, make, start } = fleet()
  const policy = { ...supervisorPolicy, restartsMax: 0 }
  const a = make('a', { givingUp: 'escalate', policy })
  const tree = await start(group('g', 'one_for_one', [a.spec]), make('b').spec)
  let failure: unknown
  void tree.failed.then((why) => (failure = why))
  for (let i = 0; i < 2; i++) {
    a.address.tell('crash')
    await pass(clock, 5_000)
    assert.equal(states(tree, 'g', 'g/a', 'b'), 'running running running')
  }
  a.address.tell('crash')
  await pass(clock, 5_000)
  assert.deepEqual(failure, { path: 'root/g/a', reason: 'told to' })
  assert.equal(states(tree, 'g', 'g/a', 'b'), 'stopped stopped stopped')
  assert.deepEqual(await tree.stop(25_000), { killed: [] })
})

test('rest_for_one restarts those after the dead one, one_for_all restarts all', async () => {
  for (const [strategy, expected] of [
    ['rest_for_one', ['-b', '-c', '+b', '+c']],
    ['one_for_all', ['-b', '-c', '-a', '+a', '+b', '+c']],
  ] as const) {
    const { clock, said, make, start } = fleet(strategy)
    const b = make('b')
    const tree = await start(make('a').spec, b.spec, make('c').spec)
    b.address.tell('crash')
    await pass(clock, 1_000)
    assert.deepEqual(said.slice(3), expected)
    await tree.stop(25_000)
  }
})

test('pause drains and holds, through a restart of the supervisor too, until resume', async () => {
  const { said, make, start } = fleet()
  const a = make('a')
  const tree = await start(group('g', 'one_for_one', [a.spec, make('b').spec]))
  a.address.tell('work')
  await tree.pause('root/g/a', 'maintenance')
  assert.deepEqual(said.slice(2), ['a works', '-a'])
  assert.equal(tree.find('root/g/a')?.reason, 'maintenance')
  await tree.restart('root/g', 'operator')
  assert.equal(states(tree, 'g/a', 'g/b'), 'paused running')
  await tree.resume('root/g/a')
  assert.equal(states(tree, 'g/a', 'g/b'), 'running running')
  await tree.pause('root/g', 'all of it')
  assert.equal(states(tree, 'g', 'g/a', 'g/b'), 'paused stopped stopped')
  await tree.stop(25_000)
})

test('what stands under something set aside rests with it, until it is resumed or gone', async () => {
  const { make, start } = fleet()
  const a = make('a').spec
  const g = group('g', 'one_for_one', [a, make('b').spec])
  const tree = await start(g, make('gg').spec)
  const rests = (): readonly unknown[] =>
    ['g', 'g/a', 'g/b', 'g/none', 'gg'].map((id) => tree.rest(`root/${id}`))
  await tree.pause('root/g', 'all of it')
  assert.deepEqual(rests(), ['paused', 'paused', 'paused', 'paused', undefined])
  await tree.resume('root/g')
  await tree.quarantine('root/g/a', 'poison in the pool')
  assert.deepEqual(rests(), [undefined, 'quarantined', undefined, undefined, undefined])
  await tree.pause('root/g', 'all of it')
  assert.deepEqual(rests(), ['paused', 'quarantined', 'paused', 'paused', undefined])
  await tree.remove('root/g')
  assert.deepEqual(rests(), [undefined, undefined, undefined, undefined, undefined])
  await tree.stop(25_000)
})

test('a quarantine from outside ends a worker at once, even one that hangs', async () => {
  const { make, start } = fleet()
  const a = make('a')
  const tree = await start(a.spec)
  a.address.tell('hang')
  await settled()
  await tree.quarantine('root/a', 'poison in the pool')
  assert.equal(states(tree, 'a'), 'quarantined')
  assert.equal(tree.find('root/a')?.reason, 'poison in the pool')
  await tree.stop(25_000)
})

test('children are added and removed while it runs; an unknown path is a fault', async () => {
  const { said, make, start } = fleet()
  const tree = await start(group('coins', 'one_for_one', []))
  const coin = make('BTC-USDT')
  await tree.add('root/coins', coin.spec)
  assert.equal(coin.address.path, 'root/coins/BTC-USDT')
  coin.address.tell('work')
  await tree.remove('root/coins/BTC-USDT')
  assert.deepEqual(said, ['+BTC-USDT', 'BTC-USDT works', '-BTC-USDT'])
  assert.equal(tree.find('root/coins/BTC-USDT'), undefined)
  for (const path of ['root/coins/BTC-USDT', 'root', 'nowhere/coins', ''])
    await assert.rejects(tree.pause(path, ''), { code: 'tree.unknown' })
  await assert.rejects(tree.add('root/none', coin.spec), { code: 'tree.unknown' })
  await tree.add('root/coins', coin.spec)
  assert.equal(states(tree, 'coins/BTC-USDT'), 'running')
  await assert.rejects(tree.add('root/coins', make('BTC-USDT').spec), { code: 'tree.taken' })
  await tree.stop(25_000)
})

test('a death watch hears every end once, with its epoch and why', async () => {
  const { clock, make, start } = fleet()
  const a = make('a')
  const tree = await start(a.spec)
  const deaths: string[] = []
  const forget = tree.watch('root/a', ({ epoch, end }) => deaths.push(`${epoch} ${end.type}`))
  a.address.tell('crash')
  await pass(clock, 1_000)
  a.address.tell('leave')
  await pass(clock, 1_000)
  a.address.tell('hang')
  await pass(clock, 1_250)
  forget()
  await tree.stop(25_000)
  assert.deepEqual(deaths, ['1 crashed', '2 left', '3 crashed'])
})

test('changes name the paths whose state changed', async () => {
  const { clock, make, start } = fleet()
  const a = make('a')
  const tree = await start(group('g', 'one_for_one', [a.spec]))
  const seen: string[] = []
  let isOver = false
  tree.changes$.subscribe({
    next: (path) => seen.push(`${path} ${tree.find(path)?.state}`),
    complete: () => (isOver = true),
  })
  a.address.tell('crash')
  await pass(clock, 1_000)
  assert.deepEqual(seen, ['root/g/a waiting', 'root/g/a starting', 'root/g/a running'])
  await tree.stop(25_000)
  assert.equal(isOver, true)
})

test('a tree can be looked at and stopped while it still starts', async () => {
  const { clock, starts, make, open } = fleet()
  starts.set('a', never)
  const tree = open(make('a').spec, make('b').spec)
  await settled()
  assert.deepEqual(
    [tree.snapshot().state, states(tree, 'a', 'b')],
    ['starting', 'starting stopped'],
  )
  const stopping = tree.stop(25_000)
  await pass(clock, 1_000)
  assert.deepEqual(await stopping, { killed: [] })
  await tree.started
  assert.equal(states(tree, 'a', 'b'), 'stopped stopped')
})

test('what does not leave in its time is killed and named; the others leave in order', async () => {
  const { clock, said, make, start } = fleet()
  const b = make('b', { shutdownMs: 500 })
  const tree = await start(make('a').spec, b.spec, make('c').spec)
  b.address.tell('hang')
  await settled()
  const stopping = tree.stop(25_000)
  await pass(clock, 499)
  assert.deepEqual(said.slice(3), ['-c'])
  await pass(clock, 1)
  assert.deepEqual(await stopping, { killed: ['root/b'] })
  assert.deepEqual(said.slice(3), ['-c', '-b', '-a'])
})

test('a shutdown past its deadline kills all that still live, and names them', async () => {
  const { clock, make, start } = fleet()
  const c = make('c', { shutdownMs: 60_000 })
  const slow: Worker<Order> = worker<undefined, Order>(
    'slow',
    {
      kind: 'slow',
      mailboxMax: 1,
      deadlineMs: 100_000,
      start: () => undefined,
      receive: never,
    },
    { shutdownMs: 60_000 },
  )
  const tree = await start(make('a').spec, slow.spec, c.spec)
  slow.address.tell('work')
  await settled()
  const stopping = tree.stop(2_000)
  await pass(clock, 2_000)
  assert.deepEqual(await stopping, { killed: ['root/slow', 'root/a'] })
  await settled()
  assert.deepEqual([tree.snapshot().state, clock.timers], ['stopped', 0])
})

test('more than two hundred children of one supervisor, or two of one name, are refused', async () => {
  const { make, start } = fleet()
  const many = Array.from({ length: 201 }, (_, index) => make(`${index}`).spec)
  await assert.rejects(start(...many), /more than 200 children/)
  await assert.rejects(start(make('a').spec, make('a').spec), /there already/)
  await assert.rejects(start(make('a/b').spec), /not a name/)
})

test('five hundred workers that come and go leave no timer, turn, incarnation or child behind', async () => {
  const before = population()
  const { clock, make, start } = fleet()
  const tree = await start(group('g', 'one_for_one', []))
  for (let i = 0; i < 500; i++) {
    const one = make(`${i}`)
    await tree.add('root/g', one.spec)
    if (i % 2 === 0) one.address.tell('crash')
    if (i % 3 === 0) one.address.tell('hang')
    if (i % 5 === 0) await settled()
    const removed = tree.remove(`root/g/${i}`)
    await pass(clock, 1_250)
    await removed
  }
  assert.deepEqual(tree.find('root/g')?.children, [])
  await tree.stop(25_000)
  assert.deepEqual(population(), before)
  assert.equal(clock.timers, 0)
})

test('who waits behind a start has not left; who left by itself has', async () => {
  const { clock, make, open, starts } = fleet('rest_for_one')
  const opened = Promise.withResolvers<void>()
  starts.set('first', () => opened.promise)
  const second = make('second', { restart: 'transient' })
  const tree = open(make('first').spec, second.spec)
  await settled()
  assert.equal(tree.look('root/second')?.state, 'stopped')
  assert.equal(tree.hasLeft('root/second'), false)
  opened.resolve()
  await tree.started
  second.address.tell('leave')
  await pass(clock, 0)
  assert.equal(tree.look('root/second')?.state, 'stopped')
  assert.equal(tree.hasLeft('root/second'), true)
  await tree.stop(10_000)
})
