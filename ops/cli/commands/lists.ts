/** What there is, as tables: each command is one route of the API and the columns that people want of it. */
import type { Verdict } from '../../../models/judging/verdict.ts'
import { coinFromPath, coinToPath } from '../../../streams/coin.ts'
import { featureSet } from '../../../streams/features/set.ts'
import type { Call, Command, Option } from '../command.ts'
import { exitCodes } from '../exit.ts'
import type { Market, Query } from '../market.ts'
import { type Column, minute, table } from '../table.ts'

/** A row as it came over HTTP; the columns below know what is in it. */
type Row = Readonly<Record<string, unknown>>

const text = (key: string): Column<Row> => ({ name: key, of: (row) => row[key] as string | null })
const figure = (key: string): Column<Row> => ({ name: key, of: (row) => row[key] as number | null })
const when = (key: string, name = key): Column<Row> => ({
  name,
  of: (row) => minute(row[key] as string | null),
})

/** `refused: no_skill, too_few`: which reasons stood against it; the JSON says them in full. */
function verdictText(verdict: Verdict | null): string | null {
  if (verdict === null) return null
  const against = verdict.reasons.filter(({ passed }) => !passed).map(({ code }) => code)
  return against.length === 0 ? verdict.verdict : `${verdict.verdict}: ${against.join(', ')}`
}

/** `announced 04:12:07 · fetched +0.1 s · … · serving +12.4 s · 1 draining +12.4 s`: by number where it is another's. */
function transitions(row: Row): string | null {
  const journal = row.journal as readonly { at: string; version: number; transition: string }[]
  const [first] = journal
  if (!first) return null
  const since = (at: string): string => ((Date.parse(at) - Date.parse(first.at)) / 1000).toFixed(1)
  return journal
    .map(({ at, transition, version }, i) => {
      const what = version === row.to ? transition : `${version} ${transition}`
      return i === 0 ? `${what} ${at.slice(11, 19)}` : `${what} +${since(at)} s`
    })
    .join(' · ')
}

const filters: Readonly<Record<string, Option>> = {
  coin: { type: 'string', what: 'of one coin, BTC/USDT or BTC-USDT' },
  family: { type: 'string', what: 'of one family' },
}
const range: Readonly<Record<string, Option>> = {
  from: { type: 'string', what: 'not before this instant, ISO 8601 or milliseconds' },
  to: { type: 'string', what: 'before this instant' },
}
const versions: Readonly<Record<string, Option>> = {
  version: { type: 'string', what: 'of one version' },
  mode: { type: 'string', what: 'live, backfill, shadow …' },
}

interface List {
  readonly name: string
  readonly summary: string
  readonly path: string
  readonly options?: Readonly<Record<string, Option>>
  readonly columns: readonly Column<Row>[]
}

const lists: readonly List[] = [
  {
    name: 'coins',
    summary: 'the coins that are followed',
    path: '/api/v1/coins',
    columns: [
      text('coin'),
      text('source'),
      text('state'),
      when('lastCandleAt', 'last candle'),
      figure('candles'),
      figure('gaps'),
      figure('stalenessMs'),
    ],
  },
  {
    name: 'lanes',
    summary: 'coin × family, with the versions in their slots',
    path: '/api/v1/lanes',
    options: filters,
    columns: [
      text('coin'),
      text('family'),
      text('state'),
      ...(['v1', 'v2', 'v3'] as const).map((slot) => ({
        name: slot,
        of: (row: Row) => (row.slots as Readonly<Record<string, number | null>>)[slot],
      })),
      { name: 'swap', of: (row) => row.swapping as string | null },
      { name: 'archived', of: (row) => (row.archived as readonly number[]).join(' ') || null },
    ],
  },
  {
    name: 'models',
    summary: 'every version',
    path: '/api/v1/models',
    options: filters,
    columns: [
      text('coin'),
      text('family'),
      figure('version'),
      text('state'),
      { name: 'slots', of: (row) => (row.slots as readonly string[]).join(' ') || null },
      { name: 'verdict', of: (row) => verdictText(row.verdict as Verdict | null) },
      when('backfilledTo', 'backfilled to'),
      when('registeredAt', 'registered'),
      { name: 'sha256', of: (row) => String(row.sha256).slice(0, 12) },
    ],
  },
  {
    name: 'swaps',
    summary: 'changes of slots',
    path: '/api/v1/swaps',
    options: filters,
    columns: [
      text('id'),
      text('coin'),
      text('family'),
      figure('from'),
      figure('to'),
      text('kind'),
      text('state'),
      {
        name: 'verdict',
        of: (row) => (row.verdict as { verdict: string } | null)?.verdict ?? null,
      },
      when('cutAt', 'cut'),
      figure('missed'),
      figure('twice'),
      { name: 'transitions', of: transitions },
      text('reason'),
    ],
  },
  {
    name: 'scores',
    summary: 'how good each version was, beside no skill',
    path: '/api/v1/scores',
    options: {
      ...filters,
      ...versions,
      ...range,
      window: { type: 'string', what: 'with --json also over windows of so many days, 7d' },
    },
    columns: [
      text('coin'),
      text('family'),
      figure('version'),
      figure('n'),
      inner('coverage', 'coverage', 'share'),
      inner('accuracy', 'classes', 'accuracy'),
      inner('no-skill accuracy', 'baseline', 'classes', 'accuracy'),
      inner('log loss', 'classes', 'logLoss'),
      inner('no-skill loss', 'baseline', 'classes', 'logLoss'),
      inner('loss p', 'versus', 'logLoss', 'p'),
      inner('profit', 'trading', 'profit'),
      inner('profit p', 'versus', 'profit', 'p'),
      inner('sharpe', 'trading', 'sharpe'),
      inner('sharpe error', 'trading', 'sharpeError'),
      inner('drawdown', 'trading', 'drawdown'),
      inner('rmse', 'values', 'rmse'),
      inner('no-skill rmse', 'baseline', 'values', 'rmse'),
      inner('rmse p', 'versus', 'squaredError', 'p'),
    ],
  },
  {
    name: 'predictions',
    summary: 'what was said, newest first',
    path: '/api/v1/predictions',
    options: {
      ...filters,
      ...versions,
      slot: { type: 'string', what: 'v1, v2 or v3' },
      ...range,
      limit: { type: 'string', what: 'how many, 500 by itself' },
      cursor: { type: 'string', what: 'the `next` of the page before' },
    },
    columns: [
      when('openAt', 'candle'),
      text('coin'),
      text('family'),
      figure('version'),
      text('slot'),
      text('mode'),
      text('signal'),
      ...(['sell', 'hold', 'buy'] as const).map((name) => inner(name, 'probabilities', name)),
      figure('value'),
      figure('waitMs'),
    ],
  },
]

function inner(name: string, ...keys: readonly string[]): Column<Row> {
  return {
    name,
    of: (row) =>
      keys.reduce<unknown>((value, key) => (value as Row | null)?.[key] ?? null, row) as
        | number
        | null,
  }
}

function listCommand(list: List): Command {
  return {
    name: list.name,
    usage: Object.keys(list.options ?? {})
      .map((name) => `[--${name} …]`)
      .join(' '),
    summary: list.summary,
    ...(list.options ? { options: list.options } : {}),
    run: async (call) => {
      const names = Object.keys(list.options ?? {})
      const query = Object.fromEntries(names.map((name) => [name, asked(call, name)]))
      const market = await call.market()
      const body = names.includes('limit')
        ? ((await market.get(list.path, query)) as ListBody)
        : await wholeList(market, list.path, query)
      const rows = rowsOf(body)
      call.print(body, () =>
        rows.length === 0 ? 'none' : table(rows, list.columns, widthOf(call)),
      )
      return exitCodes.done
    },
  }
}

/** A route may answer all there is as an array of its own. */
type ListBody = readonly Row[] | { readonly items: readonly Row[]; readonly next: string | null }

function rowsOf(body: ListBody): readonly Row[] {
  return 'items' in body ? body.items : body
}

/** Where no limit can be asked for, all is shown: page after page. */
async function wholeList(market: Market, path: string, query: Query): Promise<ListBody> {
  const body = (await market.get(path, query)) as ListBody
  if (!('items' in body) || body.next === null) return body
  const rest = await wholeList(market, path, { ...query, cursor: body.next })
  return { items: [...body.items, ...rowsOf(rest)], next: null }
}

function asked(call: Call, name: string): string | undefined {
  const value = call.text(name)
  const coin = name === 'coin' && value !== undefined ? coinFromPath(value) : undefined
  return coin ? coinToPath(coin) : value
}

export function widthOf(call: Call): number | undefined {
  return call.world.out.isTerminal ? call.world.out.columns() : undefined
}

const features: Command = {
  name: 'features',
  summary: 'the feature set: names, warm-ups, definitions',
  run: async (call) => {
    const { hash, columns } = featureSet(call.config().config.market.interval)
    const items = columns.map(({ name, warmup, audience, definition, needs, cumulative }) => ({
      name,
      warmup,
      audience,
      needs,
      cumulative,
      // Its words are in the set's hash, which models name: what is wrong in them is mended for the eye alone.
      definition: definition.replace(/\b1 candles\b/, '1 candle'),
    }))
    call.print({ hash, items }, () =>
      [
        table(
          items,
          [
            { name: 'name', of: (row) => row.name },
            { name: 'warm-up', of: (row) => row.warmup },
            { name: 'for', of: (row) => row.audience },
            { name: 'definition', of: (row) => row.definition },
          ],
          widthOf(call),
        ),
        '',
        `${columns.length} columns, ${hash}`,
      ].join('\n'),
    )
    return exitCodes.done
  },
}

export const listCommands: readonly Command[] = [...lists.map(listCommand), features]
