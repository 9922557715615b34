/**
 * A supervisor of the tree: carries out what `decide` says, one happening after the other, and tells it what came of it.
 * To its own supervisor it is a child like any other.
 */
import assert from 'node:assert/strict'
import type { Subscription } from 'rxjs'
import { tell } from '../../streams/channels.ts'
import { Fault } from '../../streams/fault.ts'
import { decide } from './decide.ts'
import { type Action, type Child, type Family, type Happening, isAtRest } from './family.ts'
import { type Ground, type Report, type Running, restOf, stateOf } from './running.ts'
import { RunningWorker } from './running-worker.ts'
import type { ChildSpec, LoneNode, SupervisorSpec, TreeNode } from './spec.ts'

/** A supervisor that has more children than this is two levels in one. */
const childrenMax = 200

export class RunningSupervisor implements Running {
  readonly path: string
  readonly spec: SupervisorSpec
  readonly #ground: Ground
  readonly #report: (report: Report) => void
  readonly #running = new Map<string, Running>()
  readonly #backoffs = new Map<string, Subscription>()
  readonly #toHandle: Happening[] = []
  #isHandling = false
  #family: Family
  #atRest: { readonly id: string; readonly then: () => void }[] = []

  constructor(
    path: string,
    spec: SupervisorSpec,
    ground: Ground,
    report: (report: Report) => void,
  ) {
    this.path = path
    this.spec = spec
    this.#ground = ground
    this.#report = report
    for (const child of spec.children) this.#prepare(child)
    this.#family = {
      strategy: spec.strategy,
      abreast: spec.abreast ?? 1,
      mode: 'down',
      failure: null,
      settled: false,
      children: spec.children.map(asKnown),
    }
  }

  start(): void {
    this.handle({ type: 'begin' })
  }

  stop(how: 'drain' | 'kill'): void {
    if (how === 'kill') this.kill('set aside')
    this.handle({ type: 'stop' })
  }

  kill(reason: string): readonly string[] {
    return this.children()
      .toReversed()
      .flatMap((child) => child.kill(reason))
  }

  discard(): void {
    for (const child of this.children()) child.discard()
  }

  child(id: string): Running | undefined {
    return this.#running.get(id)
  }

  /** In the order in which they start. */
  children(): readonly Running[] {
    return this.#family.children.map((child) => this.#child(child.id))
  }

  add(spec: ChildSpec): void {
    const path = `${this.path}/${spec.id}`
    if (this.#running.has(spec.id)) throw new Fault('tree.taken', `${path} is there already`)
    if (this.#running.size >= childrenMax)
      throw new Fault('tree.full', `${this.path} has ${childrenMax} children, no more fit`)
    this.#prepare(spec)
    this.handle({ type: 'add', child: asKnown(spec) })
  }

  /** Settles when the child is up, waits, or was set aside: a start ends at its deadline, a stop at its own. */
  async rested(id: string): Promise<void> {
    if (isAtRest(this.#family, id)) return
    await new Promise<void>((then) => this.#atRest.push({ id, then }))
  }

  handle(happening: Happening): void {
    this.#toHandle.push(happening)
    if (this.#isHandling) return
    this.#isHandling = true
    for (let next = this.#toHandle.shift(); next !== undefined; next = this.#toHandle.shift())
      this.#handleOne(next)
    this.#isHandling = false
    const isResting = ({ id }: { readonly id: string }): boolean => isAtRest(this.#family, id)
    const resting = this.#atRest.filter(isResting)
    this.#atRest = this.#atRest.filter((waiter) => !isResting(waiter))
    for (const { then } of resting) then()
  }

  #handleOne(happening: Happening): void {
    const before = this.#family
    const { family, actions } = decide(before, happening)
    this.#family = family
    for (const action of actions) this.#act(action)
    this.#forgetBackoffs()
    this.#tellChanges(before)
  }

  alone(known: Child): LoneNode {
    return {
      name: this.spec.id,
      path: this.path,
      kind: this.spec.kind,
      state: stateOf(known),
      epoch: 0,
      restarts: known.restarts,
      mailbox: 0,
      dropped: 0,
      lastProgressAt: null,
      reason: known.reason,
    }
  }

  snapshot(known: Child): TreeNode {
    const children = this.#family.children.map((child) => this.#child(child.id).snapshot(child))
    return { ...this.alone(known), children }
  }

  childAlone(id: string): LoneNode | undefined {
    const known = this.#family.children.find((child) => child.id === id)
    return known && this.child(id)?.alone(known)
  }

  childHasLeft(id: string): boolean {
    return this.#family.children.some((child) => child.id === id && child.wish === 'left')
  }

  childSnapshot(id: string): TreeNode | undefined {
    const known = this.#family.children.find((child) => child.id === id)
    return known && this.child(id)?.snapshot(known)
  }

  /** Of a root, which no supervisor knows anything about. */
  ownSnapshot(): TreeNode {
    return this.snapshot(this.#asRoot())
  }

  ownAlone(): LoneNode {
    return this.alone(this.#asRoot())
  }

  #asRoot(): Child {
    const { mode, settled, failure } = this.#family
    const phases = {
      down: 'down',
      running: settled ? 'up' : 'starting',
      stopping: 'stopping',
      failing: 'stopping',
    } as const
    return { ...asKnown(this.spec), phase: phases[mode], reason: failure?.reason ?? null }
  }

  #act(action: Action): void {
    switch (action.type) {
      case 'start':
        this.#child(action.id).start()
        break
      case 'stop':
        this.#child(action.id).stop(action.how)
        break
      case 'wait':
        this.#wait(action.id, action.delayMs)
        break
      case 'discard':
        this.#child(action.id).discard()
        break
      case 'forget':
        this.#tellDecision(`${this.path}/${action.id}`, 'removed', '')
        this.#running.delete(action.id)
        this.#ground.lives.forget(`${this.path}/${action.id}`)
        this.#ground.rests.forget(`${this.path}/${action.id}`)
        this.#ground.changed(this.path)
        break
      case 'settled':
        this.#report({ type: 'started' })
        break
      case 'gaveUp':
        this.#report({ type: 'gaveUp', failure: action.failure })
        this.#tellDecision(this.path, 'give_up', `${action.failure.path}: ${action.failure.reason}`)
        break
      case 'ended':
        this.#report(
          action.failure === null
            ? { type: 'stopped' }
            : { type: 'crashed', failure: action.failure },
        )
        break
    }
  }

  #wait(id: string, delayMs: number): void {
    const { path } = this.#child(id)
    const reason = this.#family.children.find((child) => child.id === id)?.reason
    this.#tellDecision(path, 'restart', `in ${Math.round(delayMs)} ms, after: ${reason}`)
    this.#backoffs.set(
      id,
      this.#ground.clock.schedule(() => this.handle({ type: 'due', id }), delayMs),
    )
  }

  #forgetBackoffs(): void {
    for (const [id, backoff] of this.#backoffs) {
      if (this.#family.children.some((child) => child.id === id && child.waiting)) continue
      backoff.unsubscribe()
      this.#backoffs.delete(id)
    }
  }

  #tellChanges(before: Family): void {
    const known = new Map(before.children.map((child) => [child.id, child]))
    for (const child of this.#family.children) {
      const earlier = known.get(child.id)
      if (earlier === child) continue
      const { path } = this.#child(child.id)
      if (isSetAside(child) && child.wish !== earlier?.wish)
        this.#tellDecision(path, child.wish, child.reason ?? '')
      this.#ground.rests.note(path, restOf(child))
      this.#ground.changed(path)
    }
  }

  #tellDecision(path: string, decision: string, detail: string): void {
    tell('supervisor.decided', { path, decision, detail })
  }

  #prepare(spec: ChildSpec): void {
    const { id } = spec
    assert(id !== '' && !id.includes('/'), `${this.path}: '${id}' is not a name`)
    assert(!this.#running.has(id), `${this.path}: ${id} is there already`)
    assert(
      this.#running.size < childrenMax,
      `${this.path}: more than ${childrenMax} children; group them`,
    )
    const path = `${this.path}/${id}`
    const report = (heard: Report): void => this.#hear(id, heard)
    this.#running.set(
      id,
      spec.type === 'worker'
        ? new RunningWorker(path, spec, this.#ground, report)
        : new RunningSupervisor(path, spec, this.#ground, report),
    )
  }

  #hear(id: string, report: Report): void {
    const now = this.#ground.clock.now()
    switch (report.type) {
      case 'started':
        this.handle({ type: 'started', id, now })
        break
      case 'stopped':
        this.handle({ type: 'stopped', id })
        break
      case 'crashed':
      case 'left':
        this.handle({
          type: report.type,
          id,
          failure: report.failure,
          now,
          chance: this.#ground.random(),
        })
        break
    }
  }

  #child(id: string): Running {
    const child = this.child(id)
    assert(child !== undefined, `${this.path} has no ${id}`)
    return child
  }
}

function asKnown(spec: ChildSpec): Child {
  return {
    id: spec.id,
    restart: spec.type === 'worker' ? spec.restart : 'permanent',
    policy: spec.policy,
    givingUp: spec.type === 'worker' ? spec.givingUp : 'escalate',
    phase: 'down',
    wish: 'up',
    recycle: false,
    waiting: false,
    attempted: false,
    crashes: [],
    setbacks: 0,
    upSince: null,
    restarts: 0,
    reason: null,
  }
}

function isSetAside({ wish }: Child): boolean {
  return wish !== 'up' && wish !== 'removed'
}
