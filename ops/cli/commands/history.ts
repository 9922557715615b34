/** The past: replayed, predicted over, and audited. */
import { iso } from '../../../streams/time.ts'
import { askedInstant } from '../../api/fields.ts'
import type { ContinuityBody } from '../../api/routes/continuity.ts'
import { type Call, type Command, misused, type Option, wholeNumber } from '../command.ts'
import { exitCodes } from '../exit.ts'
import { progressBar } from '../progress.ts'
import { listing, table } from '../table.ts'
import type { Progress } from '../world.ts'
import { coinOf } from './controls.ts'
import { widthOf } from './lists.ts'

export const rangeOptions: Readonly<Record<string, Option>> = {
  from: { type: 'string', what: 'not before this instant, ISO 8601 or milliseconds' },
  to: { type: 'string', what: 'before this instant' },
}

/** A day of minutes. */
const candlesDefault = 1440

const replay: Command = {
  name: 'replay',
  usage: '[FILE] [--seed N] [--candles N] [--shuffle N]',
  summary: 'a tape through the whole path at full speed; digests to compare',
  options: {
    seed: { type: 'string', what: 'of the generated market, 7 by itself' },
    candles: { type: 'string', what: `per coin, after the warm-up, ${candlesDefault} by itself` },
    shuffle: { type: 'string', what: 'permutes arrivals within the grace, by this seed' },
  },
  words: [0, 1],
  run: async (call) => {
    const { config } = call.config()
    const report = await long(call, 'replaying', (progress) =>
      call.world.daemon.replay({
        config,
        file: call.words[0] ?? config.market.tape.file,
        seed: wholeNumber(replay, call, 'seed') ?? config.market.tape.seed,
        candles: wholeNumber(replay, call, 'candles') ?? candlesDefault,
        shuffleSeed: wholeNumber(replay, call, 'shuffle'),
        progress,
        say: (text) => void call.world.err.write(`${text}\n`),
      }),
    )
    call.print(report, () => listing(flat(report)))
    return exitCodes.done
  },
}

const backfill: Command = {
  name: 'backfill',
  usage: '--coin C [--family F] [--from T] [--to T]',
  summary: 'predictions over history, marked as such',
  options: {
    coin: { type: 'string', what: 'the coin' },
    family: { type: 'string', what: 'one family; without it all of them' },
    ...rangeOptions,
  },
  run: async (call) => {
    const coin = call.text('coin')
    if (coin === undefined) throw misused(backfill, '--coin is missing')
    const options = {
      config: call.config().config,
      dataPath: call.dataPath,
      coin: coinOf(backfill, coin),
      family: call.text('family'),
      ...rangeOf(backfill, call),
    }
    const done = await long(call, 'predicting', (progress) =>
      call.world.daemon.backfill({ ...options, progress }),
    )
    call.print(done, () => listing(flat(done)))
    return exitCodes.done
  },
}

const continuity: Command = {
  name: 'continuity',
  usage: '[--from T] [--to T]',
  summary: 'the audit; exit 1 on anything unexplained',
  options: rangeOptions,
  run: async (call) => {
    const { from, to } = rangeOf(continuity, call)
    const text = (at: number | undefined) => (at === undefined ? undefined : iso(at))
    const market = await call.market()
    const body = (await market.get('/api/v1/continuity', {
      from: text(from),
      to: text(to),
    })) as ContinuityBody
    if (from !== undefined && body.lanes.length === 0)
      throw misused(continuity, `--from ${iso(from)}: there is nothing to audit from there on`)
    call.print(body, () => continuityText(body, widthOf(call)))
    const holds = body.unexplained === 0 && body.duplicates === 0
    return holds ? exitCodes.done : exitCodes.failed
  },
}

function continuityText(body: ContinuityBody, width?: number): string {
  const lanes = table(
    body.lanes,
    [
      { name: 'coin', of: (row) => row.coin },
      { name: 'family', of: (row) => row.family },
      { name: 'slot', of: (row) => row.slot },
      { name: 'candles', of: (row) => row.candles },
      { name: 'predicted', of: (row) => row.predicted },
      { name: 'holes', of: (row) => row.holes },
      {
        name: 'by reason',
        of: (row) =>
          Object.entries(row.byReason)
            .map(([reason, count]) => `${reason} ${count}`)
            .join(', ') || null,
      },
    ],
    width,
  )
  const sums = `${body.unexplained} unexplained, ${body.duplicates} duplicate`
  return `${lanes}\n\n${body.from} to ${body.to}: ${sums}`
}

/** Long work under a bar. */
export async function long<T>(
  call: Call,
  what: string,
  work: (progress: Progress) => Promise<T>,
): Promise<T> {
  const bar = progressBar(what, call.world.err, () => call.world.clock.now())
  try {
    return await work(bar.step)
  } finally {
    bar.end()
  }
}

function instantOf(command: Command, call: Call, name: string): number | undefined {
  const text = call.text(name)
  if (text === undefined) return undefined
  const read = askedInstant.safeParse(text)
  if (read.success) return read.data
  throw misused(command, `--${name}: found ${text}, expected an instant such as 2026-11-20T12:00Z`)
}

export function rangeOf(command: Command, call: Call) {
  const from = instantOf(command, call, 'from')
  const to = instantOf(command, call, 'to')
  if (from !== undefined && to !== undefined && from > to)
    throw misused(command, `--from ${iso(from)} is later than --to ${iso(to)}`)
  return { from, to }
}

/** `{a: {b: 1}}` → `a.b 1`, and `{a: [{name: 'b', c: 1}]}` → `a.b.c 1`. */
export function flat(data: object, under = ''): readonly (readonly [string, string | number])[] {
  return Object.entries(data).flatMap(([key, value]): (readonly [string, string | number])[] => {
    const name = under + key
    if (Array.isArray(data) && typeof value?.name === 'string') {
      const { name: named, ...rest } = value
      return [...flat(rest, `${under}${named}.`)]
    }
    if (value !== null && typeof value === 'object') return [...flat(value, `${name}.`)]
    return [[name, typeof value === 'number' ? value : String(value)]]
  })
}

export const historyCommands: readonly Command[] = [replay, backfill, continuity]
