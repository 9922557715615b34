/**
 * Sheets from the ledger: what challenger and incumbent said of the same live candles, as sums by day over the candles
 * that both answered. Golden rows were compared when each was warmed, so nothing is said of them here.
 */
import type { ScoreSums } from '../scores/sums.ts'
import { gradedRows } from '../scores/versus.ts'
import type { Sheet } from './sheet.ts'

export function ledgerSheet(
  known: Omit<Sheet, 'golden' | 'task'> & { readonly days: readonly ScoreSums[] },
): Sheet {
  return {
    ...known,
    // Rows without probabilities are values.
    task: gradedRows(known.days) > 0 ? 'classify' : 'regress',
    golden: null,
  }
}
