/** A bar on stderr for what takes longer than a second, where somebody sits before it. */
import type { Millis } from '../../streams/time.ts'
import type { Output } from '../telemetry/terminal.ts'
import type { Progress } from './world.ts'

const quietMs: Millis = 1000
const everyMs: Millis = 100
const barWidth = 30

export interface ProgressBar {
  readonly step: Progress
  /** Takes the bar away. */
  readonly end: () => void
}

export function progressBar(what: string, err: Output, now: () => Millis): ProgressBar {
  const startedAt = now()
  let shownAt = Number.NEGATIVE_INFINITY
  let isShown = false
  return {
    step: (done, of) => {
      const at = now()
      if (!err.isTerminal || at - startedAt < quietMs || at - shownAt < everyMs) return
      shownAt = at
      isShown = true
      err.write(`\r\u001b[2K${bar(what, done, of, at - startedAt).slice(0, err.columns() - 1)}`)
    },
    end: () => {
      if (isShown) err.write('\r\u001b[2K')
    },
  }
}

export function bar(what: string, done: number, of: number, tookMs: Millis): string {
  const share = of > 0 ? Math.min(1, done / of) : 0
  const full = Math.round(share * barWidth)
  const drawn = '█'.repeat(full) + '░'.repeat(barWidth - full)
  const left = share > 0 ? Math.ceil((tookMs / share - tookMs) / 1000) : undefined
  const eta = left === undefined ? '' : ` ${left} s left`
  return `${what} ${drawn} ${Math.floor(share * 100)} %${eta}`
}
