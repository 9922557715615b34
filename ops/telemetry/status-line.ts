/**
 * One calm line that says how it goes, what matters first: of 80 columns the bar and the trouble are seen. On a terminal
 * it is rewritten in place each second and cut at the window's edge; anywhere else it is printed once a minute and
 * whenever health changes, so that a file of it stays readable.
 */
import { type Clock, iso, type Millis, minuteText } from '../../streams/time.ts'
import type { Output } from './terminal.ts'

export interface Vitals {
  readonly health: 'starting' | 'ready' | 'degraded'
  readonly mode: 'live' | 'tape'
  readonly source: string
  readonly coins: number
  readonly lanes: number
  /** Since this start, as is all that follows but the holes. */
  readonly predictions: number
  /** Opening of the newest closed candle, market time. */
  readonly lastCandleAt: Millis | null
  /** Median wait of the latest predictions, from close to commit. */
  readonly waitMs: number | null
  readonly holes: number
  /** While the past is fetched: how many days of it are here. */
  readonly history: { readonly days: number; readonly of: number } | null
  /** What is not well, in words. */
  readonly degraded: readonly string[]
}

export interface StatusLine {
  /** Something worth a line of its own, above the status. */
  readonly say: (text: string) => void
  readonly stop: () => void
}

export function startStatusLine(read: () => Vitals, out: Output, clock: Clock): StatusLine {
  const everyMs = out.isTerminal ? 1000 : 60_000
  const clearLine = out.isTerminal ? '\r\u001b[2K' : ''
  let healthShown: string | undefined
  let shownAt = Number.NEGATIVE_INFINITY

  function show(): void {
    const vitals = read()
    const text = statusLine(vitals)
    if (out.isTerminal) {
      out.write(`${clearLine}${text.slice(0, out.columns() - 1)}`)
      return
    }
    // Either way round: the clock may have been set back.
    const isDue = Math.abs(clock.now() - shownAt) >= everyMs || vitals.health !== healthShown
    if (!isDue) return
    healthShown = vitals.health
    shownAt = clock.now()
    out.write(`${text}\n`)
  }

  // Looked at each second in both cases: a change of health is not to wait for the minute.
  const ticking = clock.schedule(function (this) {
    show()
    this.schedule(undefined, 1000)
  }, 0)
  return {
    say: (text) => {
      out.write(`${clearLine}${text}\n`)
      if (out.isTerminal) show()
    },
    stop: () => {
      ticking.unsubscribe()
      if (out.isTerminal) out.write('\n')
    },
  }
}

export function statusLine(vitals: Vitals): string {
  const parts: string[] = [vitals.health]
  if (vitals.history !== null) parts.push(historyBar(vitals.history))
  if (vitals.degraded.length > 0) parts.push(vitals.degraded.join('; '))
  parts.push(vitals.mode === 'tape' ? 'tape' : `live ${vitals.source}`)
  parts.push(counted(vitals.predictions, 'new prediction'))
  if (vitals.waitMs !== null) parts.push(`wait ${vitals.waitMs.toFixed(0)} ms`)
  if (vitals.holes > 0) parts.push(counted(vitals.holes, 'hole'))
  const { lastCandleAt } = vitals
  parts.push(lastCandleAt === null ? 'no close yet' : `candle ${minuteText(iso(lastCandleAt))}`)
  parts.push(`${counted(vitals.coins, 'coin')}, ${counted(vitals.lanes, 'lane')}`)
  return parts.join(' · ')
}

const barWidth = 10

function historyBar({ days, of }: NonNullable<Vitals['history']>): string {
  const full = Math.floor(Math.min(1, days / of) * barWidth)
  const drawn = '█'.repeat(full) + '░'.repeat(barWidth - full)
  return `history ${drawn} ${Math.floor(days)} of ${Math.round(of)} days`
}

function counted(count: number, thing: string): string {
  return `${count.toLocaleString('en-US')} ${thing}${count === 1 ? '' : 's'}`
}
