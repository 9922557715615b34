/**
 * Who says whether a version may take over. A training run has judged its own, on candles that it was not trained on, and
 * the candles in the shadow are looked at again: they refuse what they show to be worse, and where they are too few to
 * show anything the first verdict stands. A person who orders a swap answers for it. What came from outside unjudged is
 * let into the shadow, and has to show there and on its past that it is good enough.
 */
import { exempt, type GateSettings, judge } from '../../models/judging/gate.ts'
import { ledgerSheet } from '../../models/judging/ledger-sheet.ts'
import type { Sheet } from '../../models/judging/sheet.ts'
import type { Reason, Verdict } from '../../models/judging/verdict.ts'
import { type Version, versionName } from '../../models/version.ts'
import type { Millis } from '../../streams/time.ts'
import type { Swap } from '../../supervisor/fleet/lane-journal.ts'
import { resolveOutcomes } from '../store/scores/outcomes.ts'
import type { Store } from '../store/store.ts'
import { verdictOf } from '../store/versions/versions.ts'

export interface JudgeNeeds {
  readonly store: Store
  readonly settings: GateSettings
  /** What one trade costs, as a share of its value. */
  readonly fee: number
}

export async function judgeVersion(
  needs: JudgeNeeds,
  swap: Swap,
  onShadow: boolean,
): Promise<Verdict> {
  const { store, settings } = needs
  const { profile } = settings
  if (swap.askedBy === 'operator')
    return exempt(profile, 'operator', 'An operator ordered it, and answers for it.')
  if (!onShadow) {
    const known = await verdictOf(store.sql, store.names, swap.to)
    return known ?? exempt(profile, 'unjudged', 'It came from outside and was not judged.')
  }
  const before = swap.verdict
  const isUnjudged = before?.reasons.some(({ code }) => code === 'unjudged') ?? true
  const since = swap.transitions.find(({ stage }) => stage === 'shadowing')?.candleAt ?? undefined
  const seen = await fromLedger(needs, swap, isUnjudged ? undefined : since)
  const failed = seen.reasons.filter(({ passed }) => !passed)
  // Of too few candles nothing is said: not that they bear it out, and not that they are badly calibrated.
  const isTooFew = failed.some(({ code }) => code === 'too_few')
  if (!before || isUnjudged || (failed.length > 0 && !isTooFew)) return seen
  return { ...before, reasons: [...before.reasons, shadowed(seen, isTooFew)] }
}

/** On all candles that it and the newest have both answered, and neither was trained on. */
async function fromLedger(
  { store, settings, fee }: JudgeNeeds,
  { to: challenger, from: newest }: Swap,
  since: Millis | undefined,
): Promise<Verdict> {
  await resolveOutcomes(store, challenger.coin, fee)
  const incumbent = newest ?? challenger
  const stored = await store.reader.candleRange(challenger.coin)
  const range = { from: since ?? stored?.from ?? 0, to: stored?.to ?? 0 }
  const sums = await store.reads.pairedSums(challenger, incumbent, range)
  const sheet = async (version: Version, days: Sheet['days']): Promise<Sheet> => {
    const answered = days.reduce((sum, { n }) => sum + n, 0)
    const [model] = await store.reads.models(version)
    const metrics = model?.metrics as { frequencies?: Sheet['frequencies']; trials?: number } | null
    return ledgerSheet({
      subject: versionName(version),
      sha256: model?.sha256 ?? null,
      ...range,
      days,
      coverage: { candles: answered, answered },
      frequencies: metrics?.frequencies ?? null,
      // The ledger has the time of whole bundles, which says nothing of one row.
      inferenceMs: null,
      trials: metrics?.trials ?? 1,
    })
  }
  const other = newest === null ? null : await sheet(newest, sums.incumbent)
  return judge(await sheet(challenger, sums.challenger), other, settings)
}

function shadowed(seen: Verdict, isTooFew: boolean): Reason {
  const detail = isTooFew
    ? `${seen.candles} resolved candles in the shadow are too few to say more.`
    : `${seen.candles} resolved candles in the shadow bear it out.`
  return { code: 'shadow', passed: true, found: seen.candles, limit: null, detail }
}
