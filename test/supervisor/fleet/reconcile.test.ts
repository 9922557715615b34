import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Verdict } from '../../../models/judging/verdict.ts'
import { type Slot, slots, type Version } from '../../../models/version.ts'
import { minuteMs } from '../../../streams/time.ts'
import type { LaneRecord, Stage, Swap } from '../../../supervisor/fleet/lane-journal.ts'
import {
  type LaneSnapshot,
  type LifeView,
  reconcile,
  type SwapPolicy,
} from '../../../supervisor/fleet/reconcile.ts'
import { btc } from '../../support/candles.ts'
import { madeSwap } from './memory-journal.ts'

const lane = { coin: btc, family: 'linear' }
const of = (version: number): Version => ({ ...lane, version })
const policy: SwapPolicy = {
  intervalMs: minuteMs,
  shadowCandles: 2,
  drainMsMax: 30_000,
  settleCandlesMax: 10,
}
const verdict = (it: Verdict['verdict']): Verdict => ({
  verdict: it,
  profile: 'open',
  reasons: [
    {
      code: 'no_skill',
      passed: it !== 'refused',
      found: 1,
      limit: 1,
      detail: 'no better than no skill',
    },
  ],
  candles: 9,
  from: '',
  to: '',
})

// Slots `v1=1 v3=2`; actors `1+8` follows and has answered candles before 8, `2?` loads, `3!` is in quarantine, `4.` has
// left, `5+8~40` was told 40 s ago to drain; `2:draining` is what is written; `wish 3#4` the registry's fourth;
// `swap 3` waits or has its stages, `cut 9`, verdict and shadow since a candle; `held`, `working`, `back 1` a fallback's
// target, `behind 2` has more history than it has answered. The market stands at candle 10.
const untilWarmed = 'fetched,verified,loaded,warmed'
const untilBackfilled = `${untilWarmed},judged,backfilled`
const cases: readonly [string, string | undefined][] = [
  ['v1=1 1+10', undefined],
  ['v1=1 1+10 wish 2#1', 'open 2'],
  ['v1=1 1+10 wish 2#1 handled 1', undefined],
  ['v1=1 1+10 wish 2#1 held', 'open 2'],
  ['v1=1', 'spawn 1'],
  ['v1=1 held', undefined],
  ['v1=1 1?', undefined],
  ['v1=1 1.', 'remove 1'],
  ['v1=1 1+10 swap 2 waiting', 'begin 2'],
  ['v1=1 1+10 swap 2 running', 'work fetched'],
  ['v1=1 1+10 swap 2 running working', undefined],
  ['v1=1 1+10 swap 2 running swap 3 waiting working', undefined],
  ['v1=1 1+10 swap 2 running fetched', 'work verified'],
  ['v1=1 1+10 swap 2 running fetched,verified', 'spawn 2'],
  ['v1=1 1+10 2? swap 2 running fetched,verified', undefined],
  ['v1=1 1+10 2+10 swap 2 running fetched,verified', 'write loaded'],
  ['v1=1 1+10 2+10 swap 2 running fetched,verified,loaded', 'write warmed'],
  [`v1=1 1+10 2+10 swap 2 running ${untilWarmed}`, 'work judged'],
  [`v1=1 1+10 2! swap 2 running ${untilWarmed}`, 'end rejected'],
  [`v1=1 1+10 2+10 swap 2 running ${untilWarmed},judged passed`, 'work backfilled'],
  [`v1=1 1+10 2+10 swap 2 running ${untilWarmed},judged refused`, 'end rejected'],
  [`v1=1 1+10 2+10 swap 2 running ${untilBackfilled} passed`, 'write shadowing'],
  [`v1=1 1+10 2+10 swap 2 running ${untilBackfilled},shadowing passed since 9`, undefined],
  [`v1=1 1+10 2+10 swap 2 running ${untilBackfilled},shadowing passed since 8`, 'renew'],
  [
    `v1=1 1+10 2+10 swap 2 running ${untilBackfilled},shadowing passed since 8 renewed passed`,
    'cut 2',
  ],
  [
    `v1=1 1+10 2+10 swap 2 running ${untilBackfilled},shadowing passed since 8 renewed refused`,
    'end rejected',
  ],
  [
    `v1=1 1+10 2+8 swap 2 running ${untilBackfilled},shadowing passed since 5 renewed passed`,
    undefined,
  ],
  ['v1=1 v2=1 v3=2 1+10 2+10 swap 2 running cut 10', undefined],
  ['v1=1 v2=1 v3=2 1+9 2+10 swap 2 running cut 9', undefined],
  ['v1=1 v2=1 v3=2 1+10 2+10 swap 2 running cut 9', 'end done'],
  ['v1=1 v2=2 v3=3 1+10 2+10 3+10 4+10 4:draining swap 3 running cut 9', 'drain 4'],
  ['v1=1 v2=2 v3=3 1+10 2+10 3+10 4+10~9 4:draining swap 3 running cut 9', undefined],
  ['v1=1 v2=2 v3=3 1+10 2+10 3+10 4+10~40 4:draining swap 3 running cut 9', 'remove 4'],
  ['v1=1 v2=2 v3=3 1+10 2+10 3+10 4:draining swap 3 running cut 9', 'spawn 4'],
  ['v1=1 v2=2 v3=3 1+10 2+10 3+10 4. 4:draining swap 3 running cut 9', 'archive 4'],
  ['v1=1 v2=2 v3=3 1+10 2+10 3+10 4! 4:draining swap 3 running cut 9', 'note quarantined 4'],
  ['v1=1 1+10 2+10', 'remove 2'],
  ['v1=1 1+10~5', 'drain 1'],
  ['v1=1 v3=2 1+10 2!', 'note quarantined 2'],
  ['v1=1 v3=2 1+10 2! 2:quarantined back 1', 'fall back'],
  ['v1=1 v3=2 1+10 2! 2:quarantined', undefined],
  ['v1=1 v3=2 1+10 2+10 2:quarantined', 'note serving 2'],
  ['v1=1 v3=2 1! 2+10 1:quarantined back 1', undefined],
  ['v1=1 v3=2 1+10 2:quarantined', undefined],
  ['v1=1 1+10 2:quarantined swap 2 waiting', 'end rejected'],
  ['v1=1 v2=2 v3=3 1+10 2! 3+10 2:quarantined swap 2 running fetched,verified', 'end rejected'],
  ['v1=1 v3=2 1+10 2+10 behind 2', 'catch up 2'],
  ['v1=1 v3=2 1+10 2? behind 2', undefined],
  ['v1=1 v3=2 1+10 2! 2:quarantined behind 2', undefined],
  ['v1=1 1+10 2+10 behind 2', 'remove 2'],
  ['v1=1 v3=2 1+10 2+10 behind 2 held', undefined],
  ['v1=1 v3=2 1+10 2+10 swap 3 running behind 2', 'work fetched'],
  ['v1=1 v3=2 1+10 2+10 swap 3 running working behind 2', 'catch up 2'],
]
for (const [words, expected] of cases)
  test(`${words} → ${expected ?? 'nothing'}`, () => {
    assert.equal(inWords(reconcile(snapshot(words), policy)), expected)
  })

test('without any candle a lane only hears wishes and keeps its versions', () => {
  const none = { ...snapshot('v1=1 1+0 swap 2 waiting'), position: undefined }
  assert.equal(reconcile(none, policy), undefined)
})

test('a shadow of no candles goes on to the cut at once', () => {
  const ready = snapshot(
    `v1=1 1+10 2+10 swap 2 running ${untilBackfilled},shadowing passed since 10`,
  )
  assert.equal(inWords(reconcile(ready, { ...policy, shadowCandles: 0 })), 'cut 2')
})

test('a swap that is not answered is closed and counted all the same, some candles later', () => {
  const late = { ...snapshot('v1=1 v3=2 1+9 2+9 swap 2 running cut 9'), position: 20 * minuteMs }
  assert.equal(inWords(reconcile(late, policy)), 'end done')
})

function snapshot(text: string): LaneSnapshot {
  const words = text.split(' ')
  const swaps: ReturnType<typeof madeSwap>[] = []
  const lives: LifeView[] = []
  const held: [Slot, number][] = []
  const written = new Map<number, Stage>()
  let desired: LaneSnapshot['desired']
  let handled = 0
  let fallBackTo: Version | null = null
  const behind: Version[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string
    const next = (): string => words[++i] as string
    const swap = swaps.at(-1)
    const slot = slots.find((it) => word.startsWith(`${it}=`))
    const life = /^(\d+)(\+\d+|[?!.])(~\d+)?$/.exec(word)
    const stage = /^(\d+):(\w+)$/.exec(word)
    if (slot) held.push([slot, Number(word.slice(3))])
    else if (life) lives.push(lifeOf(life))
    else if (stage) written.set(Number(stage[1]), stage[2] as Stage)
    else if (word === 'wish') {
      const [version, generation] = next().split('#').map(Number) as [number, number]
      desired = { version: of(version), generation }
    } else if (word === 'handled') handled = Number(next())
    else if (word === 'behind') behind.push(of(Number(next())))
    else if (word === 'back') fallBackTo = of(Number(next()))
    else if (word === 'swap') {
      const [to, id] = [of(Number(next())), swaps.length + 1]
      swaps.push(madeSwap({ id, lane, to, state: next() as Swap['state'] }))
    } else if (swap && word === 'cut') swap.cutAt = Number(next()) * minuteMs
    else if (swap && word === 'renewed') swap.renewed = verdict(next() as Verdict['verdict'])
    else if (swap && word === 'since') {
      const candleAt = Number(next()) * minuteMs
      swap.transitions = swap.transitions.map((it) => ({ ...it, candleAt }))
    } else if (swap && /^(passed|refused)$/.test(word))
      swap.verdict = verdict(word as Verdict['verdict'])
    else if (swap && word !== 'held' && word !== 'working')
      swap.transitions = word
        .split(',')
        .map((it) => ({ version: swap.to, stage: it as Stage, at: 0, candleAt: 0, reason: null }))
  }
  for (const [, version] of held) if (!written.has(version)) written.set(version, 'serving')
  const record: LaneRecord = {
    lane,
    pointers: held.map(([slot, version]) => ({ ...of(version), slot, from: 0, until: null })),
    swaps,
    stages: [...written].map(([version, stage]) => ({ version: of(version), stage })),
    handled,
    fallBackTo,
  }
  const has = (word: string): boolean => words.includes(word)
  return {
    record,
    desired,
    lives,
    behind,
    isAtWork: has('working'),
    isHeld: has('held'),
    position: 10 * minuteMs,
  }
}

function lifeOf([, version, how, drains]: RegExpExecArray): LifeView {
  const standings: Readonly<Record<string, LifeView['standing']>> = {
    '?': 'loading',
    '!': 'quarantined',
    '.': 'left',
  }
  const standing = standings[how as string] ?? 'following'
  return {
    version: of(Number(version)),
    standing,
    reason: null,
    answeredTo: standing === 'following' ? Number(how?.slice(1)) * minuteMs : 0,
    drainingMs: drains ? Number(drains.slice(1)) * 1_000 : null,
  }
}

function inWords(action: ReturnType<typeof reconcile>): string | undefined {
  switch (action?.type) {
    case undefined:
      return undefined
    case 'open':
      return `open ${action.to.version}`
    case 'begin':
    case 'cut':
      return `${action.type} ${action.swap.to.version}`
    case 'work':
      return `work ${action.on}`
    case 'renew':
      return 'renew'
    case 'write':
      return `write ${action.stage}`
    case 'spawn':
    case 'drain':
    case 'archive':
    case 'remove':
      return `${action.type} ${action.version.version}`
    case 'note':
      return `note ${action.stage} ${action.version.version}`
    case 'fallBack':
      return 'fall back'
    case 'catchUp':
      return `catch up ${action.version.version}`
    case 'end':
      return `end ${action.state}`
  }
}

test('a version that was wanted again and then was not answers what it still owes of a slot before it goes', () => {
  const it = snapshot('v1=1 1+10 2+8')
  const owed = {
    ...lane,
    version: 2,
    slot: 'v3',
    from: 5 * minuteMs,
    until: 10 * minuteMs,
  } as const
  const owing = { ...it, record: { ...it.record, pointers: [...it.record.pointers, owed] } }
  assert.equal(inWords(reconcile(owing, policy)), 'drain 2')
  const life = (change: Partial<LifeView>): LaneSnapshot => ({
    ...owing,
    lives: owing.lives.map((one) => (one.version.version === 2 ? { ...one, ...change } : one)),
  })
  assert.equal(reconcile(life({ drainingMs: 5 }), policy), undefined)
  assert.equal(inWords(reconcile(life({ answeredTo: 10 * minuteMs }), policy)), 'remove 2')
  assert.equal(inWords(reconcile(life({ drainingMs: 40_000 }), policy)), 'remove 2')
  assert.equal(reconcile(life({ standing: 'quarantined' }), policy), undefined)
})
