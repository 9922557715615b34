/** A worker of the tree: one incarnation at a time behind one mailbox, killed when it does not leave in its time. */
import assert from 'node:assert/strict'
import type { Subscription } from 'rxjs'
import { type End, incarnate, type Life } from '../../actors/actor.ts'
import { Fault } from '../../streams/fault.ts'
import type { Child } from './family.ts'
import { type Ground, type Report, type Running, stateOf } from './running.ts'
import type { LoneNode, TreeNode, WorkerSpec } from './spec.ts'

export class RunningWorker implements Running {
  readonly path: string
  readonly spec: WorkerSpec
  readonly #ground: Ground
  readonly #report: (report: Report) => void
  #life: Life | undefined
  #epoch = 0
  #isLeaving = false
  #patience: Subscription | undefined

  constructor(path: string, spec: WorkerSpec, ground: Ground, report: (report: Report) => void) {
    this.path = path
    this.spec = spec
    this.#ground = ground
    this.#report = report
  }

  get life(): Life | undefined {
    return this.#life
  }

  start(): void {
    assert(this.#life === undefined, `${this.path}: two lives at once`)
    const epoch = this.#ground.epochs()
    assert(epoch > this.#epoch, `${this.path}: epochs grow`)
    this.#epoch = epoch
    this.#ground.lives.begin(this.path, epoch)
    this.#isLeaving = false
    this.#life = incarnate(this.spec.actor, this.spec.mailbox, {
      path: this.path,
      epoch,
      clock: this.#ground.clock,
      started: () => this.#report({ type: 'started' }),
      ended: (end) => this.#ended(end),
    })
  }

  stop(how: 'drain' | 'kill'): void {
    this.#isLeaving = true
    if (how === 'kill') {
      this.#life?.kill('set aside')
      return
    }
    this.#patience = this.#ground.clock.schedule(
      () => this.kill(`did not leave within ${this.spec.shutdownMs} ms`),
      this.spec.shutdownMs,
    )
    this.#life?.drain()
  }

  kill(reason: string): readonly string[] {
    if (this.#life === undefined) return []
    this.#life.kill(reason)
    return [this.path]
  }

  discard(): void {
    this.spec.mailbox.discard()
  }

  snapshot(known: Child): TreeNode {
    return { ...this.alone(known), children: [] }
  }

  alone(known: Child): LoneNode {
    const { mailbox } = this.spec
    return {
      name: this.spec.id,
      path: this.path,
      kind: this.spec.kind,
      state: stateOf(known),
      epoch: this.#epoch,
      restarts: known.restarts,
      mailbox: mailbox.size,
      dropped: mailbox.dropped,
      lastProgressAt: this.#life?.progressAt ?? null,
      reason: known.reason,
    }
  }

  #ended(end: End): void {
    this.#life = undefined
    this.#patience?.unsubscribe()
    this.#ground.ended({ path: this.path, epoch: this.#epoch, end })
    this.#report(this.#isLeaving ? { type: 'stopped' } : unasked(this.path, end))
  }
}

function unasked(path: string, end: End): Report {
  switch (end.type) {
    case 'crashed':
      return {
        type: 'crashed',
        failure: {
          path,
          reason: inWords(end.error),
          ...(willPass(end.error) && { passing: true }),
        },
      }
    case 'killed':
      return { type: 'crashed', failure: { path, reason: end.reason } }
    case 'drained':
    case 'left':
      return { type: 'left', failure: { path, reason: 'left by itself' } }
  }
}

function willPass(error: unknown): boolean {
  return error instanceof Fault && error.retryable
}

function inWords(error: unknown): string {
  if (error instanceof Fault) return `${error.code}: ${error.message}`
  return error instanceof Error ? error.message : String(error)
}
