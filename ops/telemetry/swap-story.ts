/** What somebody at the terminal wants to know of versions: that a lane is to move, and what came of it. */
import { laneName } from '../../models/version.ts'
import { type Happenings, listen } from '../../streams/channels.ts'
import type { Coin } from '../../streams/coin.ts'
import { iso } from '../../streams/time.ts'

export function tellSwaps(say: (text: string) => void): () => void {
  return listen('swap.changed', (it) => say(storyOf(it)))
}

function storyOf(it: Happenings['swap.changed']): string {
  const { swap, kind, state, fromVersion, toVersion, cutAt, reason, missed, twice, seconds } = it
  const lane = laneName({ coin: it.coin as Coin, family: it.family })
  const why = reason === null ? '' : `: ${reason}`
  const move = `from version ${fromVersion ?? 'nothing'} to ${toVersion} (swap ${swap})`
  switch (state) {
    case 'waiting':
      return `${lane} is to move ${move}`
    case 'running':
      return `${lane}: ${kind} ${move}, with the candle of ${minute(cutAt)}${why}`
    case 'done':
      if (cutAt === null) return `${lane} stays with version ${toVersion} (swap ${swap})${why}`
      return [
        `${lane} has moved ${move} with the candle of ${minute(cutAt)}:`,
        `${missed} candles missed, ${twice} answered twice, ${Math.round(seconds ?? 0)} s`,
      ].join(' ')
    default:
      return `${lane} has not moved ${move}: ${state}${why}`
  }
}

function minute(at: number | null): string {
  return at === null ? 'unknown' : iso(at).slice(0, 16).replace('T', ' ')
}
