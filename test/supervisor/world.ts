/** A tree of scripted workers that writes down what happens to it, for the model test to judge. */
import assert from 'node:assert/strict'
import type { Self } from '../../actors/protocol.ts'
import { type Happenings, listen } from '../../streams/channels.ts'
import { leafPolicy } from '../../supervisor/tree/restart-policy.ts'
import type { ChildSpec, Strategy, TreeNode, Worker } from '../../supervisor/tree/spec.ts'
import { supervise } from '../../supervisor/tree/supervise.ts'
import { type RunningTree, startTree } from '../../supervisor/tree/tree.ts'
import { worker } from '../../supervisor/tree/worker.ts'
import { pass } from '../support/actors/settled.ts'
import { SimulatedClock } from '../support/simulated-clock.ts'

export type Trouble = 'work' | 'slow' | 'crash' | 'hang' | 'reject'

interface Letter {
  readonly trouble: Trouble
  readonly path: string
}

const deadlineMs = 1_000
/** Tight, so that stories of forty steps reach every verdict; health comes later than the window, so the bound is exact. */
const policy = { ...leafPolicy, restartsMax: 2, windowMs: 20_000, healthyAfterMs: 20_000 }

export class World {
  readonly clock = new SimulatedClock()
  readonly starts = new Map<string, 'well' | 'wrong' | 'nowhere'>()
  /** Paths on which the tree gave up by itself. */
  readonly usedUp = new Set<string>()
  hasFailed = false
  readonly #workers = new Map<string, Worker<Letter>>()
  readonly #accepted = new Set<Letter>()
  readonly #refused = new Set<Letter>()
  readonly #done = new Set<Letter>()
  readonly #dead = new Map<Letter, number>()
  /** Path to the epoch that lives there; an incarnation lives from its start until its end was told. */
  readonly #living = new Map<string, number>()
  readonly #insides = new Map<number, number>()
  readonly #ends = new Map<number, number>()
  readonly #startedEpochs = new Set<number>()
  readonly #endedEpochs = new Set<number>()
  readonly #left: string[] = []
  readonly #crashes = new Map<string, number[]>()
  readonly #promises: Promise<void>[] = []
  readonly #deaf: (() => void)[] = []
  #isEnding = false
  #epoch = 0
  #chance = 1
  #settledPromises = 0
  #tree: RunningTree | undefined

  static async begin(
    strategies: Readonly<Record<'root' | 'g' | 'h', Strategy>>,
    escalates: boolean,
  ): Promise<World> {
    const world = new World()
    const leaf = (path: string): ChildSpec => world.#make(path, escalates)
    const group = (id: string, strategy: Strategy, children: readonly ChildSpec[]) =>
      supervise(id, 'group', strategy, children)
    world.#listen()
    world.#tree = await startTree(
      group('root', strategies.root, [
        leaf('root/a'),
        group('g', strategies.g, [leaf('root/g/b'), leaf('root/g/c'), leaf('root/g/d')]),
        group('h', strategies.h, [leaf('root/h/e'), leaf('root/h/f')]),
        leaf('root/z'),
      ]),
      { clock: world.clock, random: () => world.#random(), epochs: () => (world.#epoch += 1) },
    )
    void world.#tree.failed.then(() => (world.hasFailed = true))
    return world
  }

  get tree(): RunningTree {
    assert(this.#tree !== undefined)
    return this.#tree
  }

  find(path: string): TreeNode | undefined {
    return this.tree.find(path)
  }

  specOf(path: string): ChildSpec {
    return this.#worker(path).spec
  }

  tell(path: string, trouble: Trouble): void {
    const letter: Letter = { trouble, path }
    const taken = this.#worker(path).address.tell(letter)
    ;(taken ? this.#accepted : this.#refused).add(letter)
  }

  command(act: (tree: RunningTree) => Promise<void>): void {
    const settle = (): void => {
      this.#settledPromises += 1
    }
    this.#promises.push(act(this.tree).then(settle))
  }

  async pass(ms: number): Promise<void> {
    await pass(this.clock, ms)
  }

  /** Nothing goes wrong any more, for long enough that every backoff, deadline and window is over. */
  async heal(): Promise<void> {
    this.starts.clear()
    await this.pass(120_000)
    assert.equal(this.#settledPromises, this.#promises.length, 'every command settles')
  }

  async end(): Promise<void> {
    const order = this.#livingInOrder(this.tree.snapshot())
    this.#isEnding = true
    const stopping = this.tree.stop(25_000)
    await this.pass(25_000)
    const { killed } = await stopping
    assert.deepEqual(killed, [], 'a healthy fleet leaves without being killed')
    assert.deepEqual(this.#left, order.toReversed(), 'it leaves in reverse order')
    assert.equal(this.#living.size, 0)
    assert.equal(this.clock.timers, 0)
    assert.deepEqual(this.#endedEpochs.size, this.#epoch, 'every incarnation ended')
    for (const epoch of this.#startedEpochs)
      assert.equal(this.#ends.get(epoch), 1, `end of ${epoch}`)
    for (const letter of this.#accepted)
      assert(
        this.#done.has(letter) || this.#dead.get(letter) === 1,
        `lost: ${letter.trouble} to ${letter.path}`,
      )
    for (const letter of this.#refused)
      assert.equal(this.#dead.get(letter), 1, 'a refusal is one dead letter')
  }

  /** After a story that failed half-way, so that the next one finds a clean house. */
  async abandon(): Promise<void> {
    if (this.#living.size > 0) {
      const stopping = this.tree.stop(0)
      await this.pass(10_000)
      await stopping
    }
    for (const forget of this.#deaf) forget()
  }

  checkAlways(): void {
    for (const [path, crashes] of this.#crashes) {
      const recent = crashes.filter((at) => at > this.clock.now() - policy.windowMs)
      assert(recent.length <= policy.restartsMax, `${path} restarted ${recent.length} times`)
    }
  }

  #worker(path: string): Worker<Letter> {
    const found = this.#workers.get(path)
    assert(found !== undefined, path)
    return found
  }

  #make(path: string, escalates: boolean): ChildSpec {
    const made = worker<number, Letter>(
      path.slice(path.lastIndexOf('/') + 1),
      {
        kind: 'scripted',
        mailboxMax: 3,
        deadlineMs,
        start: async (self) => await this.#start(path, self),
        receive: async (state, letter, self) => await this.#receive(state, letter, self),
        drain: () => {
          if (this.#isEnding) this.#left.push(path)
        },
        end: (epoch) => void this.#ends.set(epoch, (this.#ends.get(epoch) ?? 0) + 1),
      },
      {
        policy,
        shutdownMs: 2_000,
        givingUp: escalates && path !== 'root/a' ? 'escalate' : 'quarantine',
      },
    )
    this.#workers.set(path, made)
    return made.spec
  }

  async #start(path: string, self: Self<Letter>): Promise<number> {
    assert.equal(this.#living.get(path), undefined, `two lives at ${path}`)
    this.#living.set(path, self.epoch)
    const how = this.starts.get(path)
    if (how === 'wrong') throw new Error('start went wrong')
    if (how === 'nowhere') await new Promise(() => {})
    return self.epoch
  }

  async #receive(epoch: number, letter: Letter, self: Self<Letter>): Promise<number> {
    assert.equal(self.epoch, epoch)
    const inside = (this.#insides.get(epoch) ?? 0) + 1
    assert.equal(inside, 1, `two handlers at once in ${letter.path}`)
    this.#insides.set(epoch, inside)
    try {
      await this.#suffer(letter, self)
      this.#done.add(letter)
      return epoch
    } finally {
      this.#insides.set(epoch, 0)
    }
  }

  async #suffer(letter: Letter, self: Self<Letter>): Promise<void> {
    switch (letter.trouble) {
      case 'work':
        return
      case 'slow':
        return await new Promise((done) => void self.clock.schedule(() => done(), deadlineMs / 2))
      case 'crash':
        throw new Error('crash')
      case 'hang':
        return await new Promise(() => {})
      case 'reject':
        self.pipe(Promise.reject(new Error('rejected')), () => letter)
    }
  }

  #listen(): void {
    const on = <K extends keyof Happenings>(name: K, hear: (what: Happenings[K]) => void): void =>
      void this.#deaf.push(listen(name, hear))
    on('actor.started', ({ epoch }) => void this.#startedEpochs.add(epoch))
    on('actor.ended', ({ path, epoch }) => {
      assert(!this.#endedEpochs.has(epoch), `${path} ended twice`)
      this.#endedEpochs.add(epoch)
      if (this.#living.get(path) === epoch) this.#living.delete(path)
    })
    on('dead.letter', ({ message }) => {
      const letter = message as Letter
      this.#dead.set(letter, (this.#dead.get(letter) ?? 0) + 1)
    })
    on('supervisor.decided', ({ path, decision }) => {
      if (decision === 'restart')
        this.#crashes.set(path, [...(this.#crashes.get(path) ?? []), this.clock.now()])
      else this.#forgive(path)
      if (decision === 'quarantined') this.usedUp.add(path)
    })
  }

  /** A history ends where a person makes a new beginning. */
  #forgive(path: string): void {
    for (const known of this.#crashes.keys())
      if (known === path || known.startsWith(`${path}/`)) this.#crashes.delete(known)
  }

  #livingInOrder(node: TreeNode): readonly string[] {
    if (node.children.length > 0)
      return node.children.flatMap((child) => this.#livingInOrder(child))
    return this.#living.has(node.path) ? [node.path] : []
  }

  /** Any sequence will do, as long as it is the same every time. */
  #random(): number {
    this.#chance = (this.#chance * 48_271) % 2_147_483_647
    return this.#chance / 2_147_483_647
  }
}
