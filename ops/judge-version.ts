/**
 * Who says whether a version may take over. A training run has judged its own, on candles that it was not trained on; a
 * person who orders a swap answers for it; what came from outside unjudged is let into the shadow, and is judged there.
 */
import type { GateProfile, Verdict } from '../models/verdict.ts'
import { iso } from '../streams/time.ts'
import type { Swap } from '../supervisor/lane-journal.ts'
import type { Store } from './store/store.ts'
import { verdictOf } from './store/versions.ts'

export interface JudgeNeeds {
  readonly store: Pick<Store, 'sql' | 'names'>
  readonly profile: GateProfile
}

export async function judgeVersion({ store, profile }: JudgeNeeds, swap: Swap): Promise<Verdict> {
  if (swap.askedBy === 'operator')
    return exemption(profile, 'operator', 'An operator ordered it, and answers for it.')
  const known = await verdictOf(store.sql, store.names, swap.to)
  return known ?? exemption(profile, 'unjudged', 'It came from outside and was not judged.')
}

function exemption(profile: GateProfile, code: string, detail: string): Verdict {
  const never = iso(0)
  const reason = { code, passed: true, found: null, limit: null, detail }
  return { verdict: 'exempt', profile, reasons: [reason], candles: 0, from: never, to: never }
}
