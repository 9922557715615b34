/**
 * Decisions as one-line stories: the children's states before, what happens, the states after with the actions taken.
 * A child is `id:state`, where state is down, starting, up, stopping, waiting, paused, quarantined or left.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide } from '../../../supervisor/tree/decide.ts'
import type { Action, Child, Family, Happening } from '../../../supervisor/tree/family.ts'
import { leafPolicy } from '../../../supervisor/tree/restart-policy.ts'
import type { Strategy } from '../../../supervisor/tree/spec.ts'

const failure = { path: 'x', reason: 'boom' }
const crashed = (id: string): Happening => ({
  type: 'crashed',
  id,
  failure,
  now: 1_000,
  chance: 0.5,
})
const setBack = (id: string): Happening => ({
  type: 'crashed',
  id,
  failure: { ...failure, passing: true },
  now: 1_000,
  chance: 0.5,
})
const left = (id: string): Happening => ({ type: 'left', id, failure, now: 1_000, chance: 0.5 })
const started = (id: string): Happening => ({ type: 'started', id, now: 1_000 })

interface Story {
  readonly strategy: Strategy
  readonly before: string
  readonly happens: readonly Happening[]
  readonly after: string
  readonly actions: string
  readonly children?: Partial<Child>
  readonly mode?: Family['mode']
  readonly abreast?: number
}

const stories: Readonly<Record<string, Story>> = {
  'children start one after the other': {
    strategy: 'one_for_one',
    before: 'a:down b:down c:down',
    mode: 'down',
    happens: [{ type: 'begin' }, started('a')],
    after: 'a:up b:starting c:down',
    actions: 'start a, start b',
  },
  'independent siblings may start some abreast': {
    strategy: 'one_for_one',
    abreast: 2,
    before: 'a:down b:down c:down',
    mode: 'down',
    happens: [{ type: 'begin' }, started('b')],
    after: 'a:starting b:up c:starting',
    actions: 'start a, start b, start c',
  },
  'the first pass is over when the last has settled': {
    strategy: 'one_for_one',
    before: 'a:down b:down',
    mode: 'down',
    happens: [{ type: 'begin' }, started('a'), started('b')],
    after: 'a:up b:up',
    actions: 'start a, start b, settled',
  },
  'one that cannot start holds up no sibling of one_for_one': {
    strategy: 'one_for_one',
    before: 'a:down b:down',
    mode: 'down',
    happens: [{ type: 'begin' }, crashed('a'), started('b')],
    after: 'a:waiting b:up',
    actions: 'start a, wait a 100, start b, settled',
  },
  'trouble that will pass makes it wait longer each time, and nobody gives up on it': {
    strategy: 'one_for_one',
    before: 'a:up',
    children: { policy: { ...leafPolicy, restartsMax: 1 } },
    happens: [1, 2, 3].flatMap(() => [setBack('a'), { type: 'due', id: 'a' } as const]),
    after: 'a:starting',
    actions: 'wait a 100, start a, wait a 200, start a, wait a 400, start a',
  },
  'a crash after such trouble is judged by the crashes alone': {
    strategy: 'one_for_one',
    before: 'a:up',
    children: { policy: { ...leafPolicy, restartsMax: 1 } },
    happens: [
      setBack('a'),
      { type: 'due', id: 'a' },
      crashed('a'),
      { type: 'due', id: 'a' },
      crashed('a'),
    ],
    after: 'a:quarantined',
    actions: 'wait a 100, start a, wait a 100, start a, discard a',
  },
  'one that cannot start holds up those that stand on it': {
    strategy: 'rest_for_one',
    before: 'a:down b:down',
    mode: 'down',
    happens: [{ type: 'begin' }, crashed('a'), { type: 'due', id: 'a' }, started('a')],
    after: 'a:up b:starting',
    actions: 'start a, wait a 100, settled, start a, start b',
  },
  'one_for_one restarts the dead child alone': {
    strategy: 'one_for_one',
    before: 'a:up b:up c:up',
    happens: [crashed('b'), { type: 'due', id: 'b' }],
    after: 'a:up b:starting c:up',
    actions: 'wait b 100, start b',
  },
  'rest_for_one takes down those after it, in reverse': {
    strategy: 'rest_for_one',
    before: 'a:up b:up c:up d:up',
    happens: [crashed('b'), { type: 'stopped', id: 'd' }],
    after: 'a:up b:waiting c:stopping d:down',
    actions: 'wait b 100, stop d, stop c',
  },
  'rest_for_one starts them again in order': {
    strategy: 'rest_for_one',
    before: 'a:up b:up c:up',
    happens: [
      crashed('b'),
      { type: 'due', id: 'b' },
      { type: 'stopped', id: 'c' },
      started('b'),
      started('c'),
    ],
    after: 'a:up b:up c:up',
    actions: 'wait b 100, stop c, start b, start c',
  },
  'one_for_all takes down every sibling and waits before any starts': {
    strategy: 'one_for_all',
    before: 'a:up b:up c:up',
    happens: [
      crashed('b'),
      { type: 'stopped', id: 'c' },
      { type: 'stopped', id: 'a' },
      { type: 'due', id: 'b' },
    ],
    after: 'a:starting b:down c:down',
    actions: 'wait b 100, stop c, stop a, start a',
  },
  'one_for_all starts nobody while one waits': {
    strategy: 'one_for_all',
    before: 'a:up b:up',
    happens: [crashed('b'), { type: 'stopped', id: 'a' }],
    after: 'a:down b:waiting',
    actions: 'wait b 100, stop a',
  },
  'a restart waits for no sibling that hangs in its start': {
    strategy: 'one_for_one',
    before: 'a:starting b:waiting',
    happens: [{ type: 'due', id: 'b' }],
    after: 'a:starting b:starting',
    actions: 'start b',
  },
  'a leaf that needs too many restarts is quarantined': {
    strategy: 'one_for_one',
    before: 'a:up b:up',
    children: { crashes: [1, 2, 3, 4, 5, 6, 7] },
    happens: [crashed('a')],
    after: 'a:quarantined b:up',
    actions: 'discard a',
  },
  'a child that escalates takes its supervisor down with it': {
    strategy: 'one_for_one',
    before: 'a:up b:up c:waiting',
    children: { crashes: [1, 2, 3, 4, 5, 6, 7], givingUp: 'escalate' },
    happens: [crashed('a'), { type: 'stopped', id: 'b' }],
    after: 'a:down b:down c:down',
    actions: 'gaveUp, stop b, discard a, discard b, discard c, ended failed',
  },
  'release starts a quarantined child with a clean history': {
    strategy: 'one_for_one',
    before: 'a:quarantined',
    children: { crashes: [1, 2, 3, 4, 5, 6, 7] },
    happens: [{ type: 'release', id: 'a' }, crashed('a')],
    after: 'a:waiting',
    actions: 'start a, wait a 100',
  },
  'pause drains, and resume starts': {
    strategy: 'one_for_one',
    before: 'a:up b:up',
    happens: [
      { type: 'pause', id: 'a', reason: '' },
      { type: 'stopped', id: 'a' },
      { type: 'resume', id: 'a' },
    ],
    after: 'a:starting b:up',
    actions: 'stop a, discard a, start a',
  },
  'a pause ends a backoff': {
    strategy: 'one_for_one',
    before: 'a:waiting',
    happens: [
      { type: 'pause', id: 'a', reason: '' },
      { type: 'due', id: 'a' },
    ],
    after: 'a:paused',
    actions: 'discard a',
  },
  'a pause does not end a quarantine': {
    strategy: 'one_for_one',
    before: 'a:quarantined',
    happens: [
      { type: 'pause', id: 'a', reason: '' },
      { type: 'resume', id: 'a' },
    ],
    after: 'a:quarantined',
    actions: '',
  },
  'a resume while it still drains starts it when it has left': {
    strategy: 'one_for_one',
    before: 'a:up',
    happens: [
      { type: 'pause', id: 'a', reason: '' },
      { type: 'resume', id: 'a' },
      { type: 'stopped', id: 'a' },
    ],
    after: 'a:starting',
    actions: 'stop a, start a',
  },
  'quarantine from outside kills at once, even one that drains': {
    strategy: 'one_for_one',
    before: 'a:up b:up',
    happens: [
      { type: 'quarantine', id: 'b', reason: '' },
      { type: 'pause', id: 'a', reason: '' },
      { type: 'quarantine', id: 'a', reason: '' },
    ],
    after: 'a:stopping b:stopping',
    actions: 'kill b, stop a, kill a',
  },
  'restart takes a child down and up again': {
    strategy: 'one_for_one',
    before: 'a:up b:up',
    happens: [
      { type: 'restart', id: 'a', reason: '' },
      { type: 'stopped', id: 'a' },
    ],
    after: 'a:starting b:up',
    actions: 'stop a, start a',
  },
  'restart does not wait out a backoff': {
    strategy: 'one_for_one',
    before: 'a:waiting',
    happens: [{ type: 'restart', id: 'a', reason: '' }],
    after: 'a:starting',
    actions: 'start a',
  },
  'a transient child that left by itself stays away': {
    strategy: 'one_for_one',
    before: 'a:up',
    children: { restart: 'transient' },
    happens: [left('a')],
    after: 'a:left',
    actions: 'discard a',
  },
  'a transient child that crashed comes back': {
    strategy: 'one_for_one',
    before: 'a:up',
    children: { restart: 'transient' },
    happens: [crashed('a')],
    after: 'a:waiting',
    actions: 'wait a 100',
  },
  'a temporary child never comes back': {
    strategy: 'one_for_one',
    before: 'a:up',
    children: { restart: 'temporary' },
    happens: [crashed('a')],
    after: 'a:left',
    actions: 'discard a',
  },
  'a permanent child that left by itself comes back': {
    strategy: 'one_for_one',
    before: 'a:up',
    happens: [left('a')],
    after: 'a:waiting',
    actions: 'wait a 100',
  },
  'a stop goes in reverse, one at a time, and reports when all are down': {
    strategy: 'one_for_one',
    before: 'a:up b:waiting c:up',
    happens: [{ type: 'stop' }, { type: 'stopped', id: 'c' }, crashed('a')],
    after: 'a:down b:down c:down',
    actions: 'stop c, stop a, discard a, discard b, discard c, ended',
  },
  'an added child starts, a removed one is drained and forgotten': {
    strategy: 'one_for_one',
    before: 'a:up',
    happens: [
      { type: 'add', child: child('b', 'down') },
      { type: 'remove', id: 'a' },
      { type: 'stopped', id: 'a' },
    ],
    after: 'b:starting',
    actions: 'start b, stop a, discard a, forget a',
  },
  'what an operator set aside stays so when the supervisor begins again': {
    strategy: 'one_for_one',
    mode: 'down',
    before: 'a:paused b:quarantined c:left',
    happens: [{ type: 'begin' }],
    after: 'a:paused b:quarantined c:starting',
    actions: 'start c',
  },
}

for (const [name, story] of Object.entries(stories)) {
  test(`${name} (${story.strategy})`, () => {
    let family: Family = {
      strategy: story.strategy,
      abreast: story.abreast ?? 1,
      mode: story.mode ?? 'running',
      failure: null,
      settled: story.mode !== 'down',
      children: story.before.split(' ').map((text) => {
        const [id = '', state = ''] = text.split(':')
        return { ...child(id, state), ...story.children }
      }),
    }
    const actions: string[] = []
    for (const happening of story.happens) {
      const decision = decide(family, happening)
      family = decision.family
      actions.push(...decision.actions.map(inWords))
    }
    assert.equal(
      family.children.map((known) => `${known.id}:${stateOf(known)}`).join(' '),
      story.after,
    )
    assert.equal(actions.join(', '), story.actions)
  })
}

function child(id: string, state: string): Child {
  const phase = state === 'starting' || state === 'up' || state === 'stopping' ? state : 'down'
  const wish = state === 'paused' || state === 'quarantined' || state === 'left' ? state : 'up'
  return {
    id,
    restart: 'permanent',
    policy: leafPolicy,
    givingUp: 'quarantine',
    phase,
    wish,
    recycle: false,
    waiting: state === 'waiting',
    attempted: state !== 'down' && state !== 'starting',
    crashes: [],
    setbacks: 0,
    upSince: null,
    restarts: 0,
    reason: null,
  }
}

function stateOf({ phase, wish, waiting }: Child): string {
  if (phase !== 'down') return phase
  if (wish !== 'up') return wish
  return waiting ? 'waiting' : 'down'
}

function inWords(action: Action): string {
  switch (action.type) {
    case 'start':
    case 'discard':
    case 'forget':
      return `${action.type} ${action.id}`
    case 'stop':
      return `${action.how === 'kill' ? 'kill' : 'stop'} ${action.id}`
    case 'wait':
      return `wait ${action.id} ${action.delayMs}`
    case 'ended':
      return action.failure === null ? 'ended' : 'ended failed'
    case 'settled':
    case 'gaveUp':
      return action.type
  }
}
