/** What the gate says of a version, with every reason: the shape that is stored, shown and acted on. `gate.ts` makes it. */

export type GateProfile = 'open' | 'paying' | 'strict'

export interface Verdict {
  readonly verdict: 'passed' | 'refused' | 'exempt'
  readonly profile: GateProfile
  readonly reasons: readonly Reason[]
  /** Candles that were compared, and their range: null where there were none. */
  readonly candles: number
  readonly from: string | null
  readonly to: string | null
}

export interface Reason {
  /** Stable: `no_skill`, `incumbent`, `calibration`, `golden`, `latency`, `profit`, `accuracy`, `sharpe`, `too_few` … */
  readonly code: string
  readonly passed: boolean
  readonly found: number | null
  readonly limit: number | null
  /** One sentence for people. */
  readonly detail: string
}

/** What has not passed, for people. */
export function whyRefused({ reasons }: Verdict): string {
  const failed = reasons.filter(({ passed }) => !passed)
  return failed.length === 0 ? 'refused' : failed.map(({ detail }) => detail).join(' ')
}
