/** Operator controls, sent to the running daemon. */
import { isFamilyName } from '../../../models/version.ts'
import { type Coin, coinFromPath, coinToPath } from '../../../streams/coin.ts'
import { type Action, actions } from '../../api/deps.ts'
import { type Call, type Command, misused, type Option } from '../command.ts'
import { exitCodes } from '../exit.ts'
import { requireDaemon } from '../market.ts'

const reason: Readonly<Record<string, Option>> = {
  reason: { type: 'string', what: 'kept with it' },
}

const summaries: Readonly<Record<Action, string>> = {
  pause: 'hold a coin, or one of its lanes',
  resume: 'let a held coin or lane go on',
  restart: 'restart the actors of a coin or a lane',
  release: 'end the quarantine of a coin or a lane',
}

function actionCommand(action: Action): Command {
  const command: Command = {
    name: action,
    usage: 'C [F] [--reason R]',
    summary: summaries[action],
    options: reason,
    words: [1, 2],
    run: async (call) => {
      const coin = coinOf(command, call.words[0] as string)
      const family = call.words[1]
      if (family !== undefined && !isFamilyName(family)) {
        throw misused(command, `${family} is no family name`)
      }
      const what = family === undefined ? 'coins' : 'lanes'
      const path = [what, coinToPath(coin), family, action].filter(Boolean).join('/')
      const daemon = requireDaemon(call.world, call.dataPath)
      const body = await daemon.send('POST', `/api/v1/${path}`, because(call))
      call.print(body, () => (body as { state: string }).state)
      return exitCodes.done
    },
  }
  return command
}

const add: Command = {
  name: 'coins add',
  usage: 'C [--reason R]',
  summary: 'follow a coin, while it runs',
  options: reason,
  words: [1, 1],
  run: async (call) => {
    const coin = coinOf(add, call.words[0] as string)
    const daemon = requireDaemon(call.world, call.dataPath)
    const body = await daemon.send('POST', '/api/v1/coins', { coin, ...because(call) })
    call.print(body, () => followed(body))
    return exitCodes.done
  },
}

const remove: Command = {
  name: 'coins remove',
  usage: 'C',
  summary: 'follow a coin no longer; what is stored of it stays',
  words: [1, 1],
  run: async (call) => {
    const coin = coinOf(remove, call.words[0] as string)
    const daemon = requireDaemon(call.world, call.dataPath)
    const body = await daemon.send('DELETE', `/api/v1/coins/${coinToPath(coin)}`)
    call.print(body, () => followed(body))
    return exitCodes.done
  },
}

function followed(body: unknown): string {
  return (body as readonly { coin: string }[]).map(({ coin }) => coin).join('\n')
}

export function coinOf(command: Command, text: string): Coin {
  const coin = coinFromPath(text.toUpperCase())
  if (!coin) throw misused(command, `found ${text}, expected a coin such as BTC/USDT`)
  return coin
}

function because(call: Call): { readonly reason?: string } {
  const said = call.text('reason')
  return said === undefined ? {} : { reason: said }
}

export const controlCommands: readonly Command[] = [...actions.map(actionCommand), add, remove]
