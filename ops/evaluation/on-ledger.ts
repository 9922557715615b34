/**
 * Two versions by what they have said already: the ledger's rows of the candles that both answered, live, in the shadow or
 * filled in, never one that either was trained on.
 */
import { ledgerSheet } from '../../models/judging/ledger-sheet.ts'
import type { Comparison, Sheet } from '../../models/judging/sheet.ts'
import type { ScoreSums } from '../../models/scores/sums.ts'
import { type Version, versionName } from '../../models/version.ts'
import { Fault } from '../../streams/fault.ts'
import type { Millis } from '../../streams/time.ts'
import type { CoverageRead, StoreReads } from '../store/reads/reads.ts'
import type { Contestants } from './contestants.ts'

interface Span {
  readonly from: Millis
  readonly to: Millis
}

export async function compareLedger(
  reads: Pick<StoreReads, 'pairedSums' | 'daySums' | 'coverage'>,
  { challenger, champion }: Contestants,
  range: Span,
): Promise<Comparison> {
  const [mine, theirs] = [challenger.version, champion?.version ?? null]
  if (mine === null) throw new Fault('usage.wrong', 'a folder has said nothing yet')
  if (theirs === null) {
    const days = await reads.daySums({ ...mine, ...range })
    return {
      challenger: await sheetOf(reads, mine, range, days, null),
      incumbent: null,
      incumbentMissing: null,
    }
  }
  const paired = await reads.pairedSums(mine, theirs, range)
  return {
    challenger: await sheetOf(reads, mine, range, paired.challenger, paired.inferenceMs),
    incumbent: await sheetOf(reads, theirs, range, paired.incumbent, null),
    incumbentMissing: null,
  }
}

async function sheetOf(
  reads: Pick<StoreReads, 'coverage'>,
  version: Version,
  range: Span,
  days: readonly ScoreSums[],
  inferenceMs: Sheet['inferenceMs'],
): Promise<Sheet> {
  const [known] = await reads.coverage({ ...version, ...range })
  const { candles, answered, frequencies, trials }: CoverageRead = known ?? {
    ...{ ...version, candles: 0, answered: 0, frequencies: null, trials: 1 },
  }
  return ledgerSheet({
    subject: versionName(version),
    sha256: null,
    ...range,
    days,
    coverage: { candles, answered },
    frequencies,
    inferenceMs,
    trials,
  })
}
