/**
 * Versions from the command line: published, moved to, moved back from, looked for. Where no daemon runs, what is asked is
 * written down, and the next start carries it out.
 */
import { isFamilyName } from '../../../models/version.ts'
import { coinToPath } from '../../../streams/coin.ts'
import { Fault } from '../../../streams/fault.ts'
import { wait } from '../../../streams/time.ts'
import { type Call, type Command, misused, type Option } from '../command.ts'
import { exitCodes } from '../exit.ts'
import { requireDaemon } from '../market.ts'
import { coinOf } from './controls.ts'

interface Swap {
  readonly swap: string
  readonly kind: string
  readonly from: number | null
  readonly to: number | null
  readonly cutAt: string | null
  readonly state: string
  readonly reason: string | null
}

interface Published {
  readonly coin: string
  readonly family: string
  readonly version: number
  readonly state: string
}

const waitOption: Readonly<Record<string, Option>> = {
  wait: { type: 'boolean', what: 'until it is done or refused, at most ten minutes' },
}
const waitMsMax = 600_000
const askEveryMs = 500

const publish: Command = {
  name: 'publish',
  usage: 'DIR [--coin C] [--activate]',
  summary: 'a model artifact from anywhere into the registry',
  options: {
    coin: { type: 'string', what: 'one coin, for an artifact that fits every coin' },
    activate: { type: 'boolean', what: 'the lane is to move to it' },
  },
  words: [1, 1],
  run: async (call) => {
    const query = new URLSearchParams()
    const coin = call.text('coin')
    if (coin !== undefined) query.set('coin', coinToPath(coinOf(publish, coin)))
    if (call.flag('activate')) query.set('activate', 'true')
    const form = new FormData()
    for (const [name, bytes] of await call.world.readFolder(call.words[0] as string))
      form.append('file', new Blob([bytes as Uint8Array<ArrayBuffer>]), name)
    const body = await (await call.market()).upload(`/api/v1/models?${query}`, form)
    call.print(body, () => {
      const { also, ...first } = body as Published & { readonly also: readonly Published[] }
      return [first, ...also]
        .map(({ coin: of, family, version, state }) => `${of} ${family} ${version}: ${state}`)
        .join('\n')
    })
    tellIfAtRest(call)
    return exitCodes.done
  },
}

const refresh: Command = {
  name: 'models refresh',
  summary: 'look at the registry now',
  run: async (call) => {
    const daemon = requireDaemon(call.world, call.dataPath)
    const body = await daemon.send('POST', '/api/v1/registry/refresh')
    call.print(body, () => `${(body as { announced: number }).announced} lanes have news`)
    return exitCodes.done
  },
}

const swap: Command = {
  name: 'swap',
  usage: 'C F V [--wait]',
  summary: 'move a lane to a version',
  options: waitOption,
  words: [3, 3],
  run: async (call) => {
    const version = call.words[2] as string
    if (!/^[1-9]\d{0,8}$/.test(version)) throw misused(swap, `found ${version}, expected a version`)
    return change(swap, call, 'swap', { version: Number(version) })
  },
}

const rollback: Command = {
  name: 'rollback',
  usage: 'C F [--reason R] [--wait]',
  summary: 'move a lane one step back',
  options: { ...waitOption, reason: { type: 'string', what: 'kept with it' } },
  words: [2, 2],
  run: async (call) => {
    const reason = call.text('reason') ?? 'asked for at the command line'
    return change(rollback, call, 'rollback', { reason })
  },
}

async function change(
  command: Command,
  call: Call,
  what: 'swap' | 'rollback',
  body: object,
): Promise<number> {
  const [coinText, family] = call.words as [string, string]
  const coin = coinOf(command, coinText)
  if (!isFamilyName(family)) throw misused(command, `${family} is no family name`)
  // Only a running daemon brings it to its end.
  if (call.flag('wait')) requireDaemon(call.world, call.dataPath)
  const market = await call.market()
  const path = `/api/v1/lanes/${coinToPath(coin)}/${family}/${what}`
  const asked = (await market.send('POST', path, body)) as Swap
  const ended = call.flag('wait')
    ? await waitFor(
        call,
        asked.swap,
        async () => (await market.get(`/api/v1/swaps/${asked.swap}`)) as Swap,
      )
    : asked
  const { from, to, cutAt, state, reason } = ended
  call.print(
    { swap: asked.swap, from, to, cutAt, state, reason },
    () =>
      `${what} ${asked.swap}: ${from ?? 'nothing'} → ${to}, ${state}${reason ? `: ${reason}` : ''}`,
  )
  tellIfAtRest(call)
  return state === 'rejected' || state === 'overtaken' ? exitCodes.failed : exitCodes.done
}

function tellIfAtRest({ world, dataPath }: Call): void {
  if (!world.holder(dataPath))
    world.err.write('no daemon is running: the next start goes on with it\n')
}

async function waitFor(call: Call, id: string, ask: () => Promise<Swap>): Promise<Swap> {
  const { clock } = call.world
  const until = clock.now() + waitMsMax
  for (;;) {
    const swap = await ask()
    if (swap.state !== 'waiting' && swap.state !== 'running') return swap
    if (clock.now() > until) throw new Fault('daemon.timeout', `swap ${id} is not over yet`)
    await wait(clock, askEveryMs)
  }
}

export const versionCommands: readonly Command[] = [publish, refresh, swap, rollback]
