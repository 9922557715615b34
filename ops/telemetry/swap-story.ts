/** What somebody at the terminal wants to know of versions: that a lane is to move, what came of it, and whose signals end. */
import { laneName } from '../../models/version.ts'
import { type Happenings, listen } from '../../streams/channels.ts'
import type { Coin } from '../../streams/coin.ts'
import { iso, minuteText } from '../../streams/time.ts'

export function tellSwaps(say: (text: string) => void): () => void {
  const stops = [
    listen('swap.changed', (it) => say(storyOf(it))),
    listen('version.expired', (it) => say(expiryOf(it))),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

function storyOf(it: Happenings['swap.changed']): string {
  const { swap, kind, state, fromVersion, toVersion, cutAt, reason, missed, twice, seconds } = it
  const lane = laneName({ coin: it.coin as Coin, family: it.family })
  const why = reason === null ? '' : `: ${reason}`
  const move = `from version ${fromVersion ?? 'nothing'} to ${toVersion} (swap ${swap})`
  const stay = `stay with version ${toVersion} (swap ${swap})`
  const isMove = fromVersion !== toVersion
  switch (state) {
    case 'waiting':
      return isMove ? `${lane} is to move ${move}` : `${lane} is to ${stay}`
    case 'running':
      if (!isMove) return `${lane} is to ${stay}${why}`
      return `${lane}: ${kind} ${move}, with the candle of ${minute(cutAt)}${why}`
    case 'done':
      if (cutAt === null || !isMove)
        return `${lane} stays with version ${toVersion} (swap ${swap})${why}`
      return [
        `${lane} has moved ${move} with the candle of ${minute(cutAt)}:`,
        `${missed} candles missed, ${twice} answered twice, ${Math.round(seconds ?? 0)} s`,
      ].join(' ')
    default:
      return `${lane} has not moved ${move}: ${state}${why}`
  }
}

function expiryOf({ coin, family, version, openAt }: Happenings['version.expired']): string {
  return [
    `${laneName({ coin: coin as Coin, family })}: version ${version} is past its age,`,
    `and its signals are withheld from the candle of ${minute(openAt)} on`,
  ].join(' ')
}

function minute(at: number | null): string {
  return at === null ? 'unknown' : minuteText(iso(at))
}
