/** Data in and out: history from files, tables to files, the whole store as one file and back. */
import { parseDuration } from '../../../streams/time.ts'
import { nearest } from '../../config/nearest.ts'
import { type ExportTable, exportTables } from '../../store/files/export.ts'
import { type Call, type Command, misused } from '../command.ts'
import { exitCodes } from '../exit.ts'
import { listing } from '../table.ts'
import { coinOf } from './controls.ts'
import { flat, long, rangeOf, rangeOptions } from './history.ts'

const importFile: Command = {
  name: 'import',
  usage: 'FILE --coin C',
  summary: 'candles or trades from CSV, CSV.gz or Parquet into the store',
  options: { coin: { type: 'string', what: 'whose market the file is' } },
  words: [1, 1],
  run: async (call) => {
    const coin = call.text('coin')
    if (coin === undefined) throw misused(importFile, '--coin is missing')
    const file = call.words[0] as string
    const work = { ...storeOf(call), file, coin: coinOf(importFile, coin) }
    const done = await long(call, 'importing', (progress) =>
      call.world.daemon.importFile({ ...work, progress }),
    )
    const { missing } = done
    if (missing > 0)
      call.world.err.write(
        `${missing} candles stay on record as missing while a daemon runs: stop it and import again\n`,
      )
    return finish(call, done)
  },
}

const exportFile: Command = {
  name: 'export',
  usage: 'TABLE --out FILE [--coin C] [--from T] [--to T]',
  summary: `${exportTables.join(', ')} as Parquet or CSV`,
  options: {
    out: { type: 'string', what: 'ends in .parquet, .csv or .csv.gz' },
    coin: { type: 'string', what: 'of one coin' },
    ...rangeOptions,
  },
  words: [1, 1],
  run: async (call) => {
    const out = call.text('out')
    if (out === undefined) throw misused(exportFile, '--out is missing')
    const coin = call.text('coin')
    const work = {
      ...storeOf(call),
      table: tableOf(call.words[0] as string),
      file: out,
      coin: coin === undefined ? undefined : coinOf(exportFile, coin),
      ...rangeOf(exportFile, call),
    }
    return finish(
      call,
      await long(call, 'exporting', (progress) =>
        call.world.daemon.exportTable({ ...work, progress }),
      ),
    )
  },
}

const dataset: Command = {
  name: 'dataset',
  usage:
    '--coin C --out DIR [--from T] [--to T] [--family F] [--label JSON] [--horizon D] [--dvc DIR]',
  summary: 'the training matrix as Parquet, with its manifest, checks and profile',
  options: {
    coin: { type: 'string', what: 'whose candles' },
    out: { type: 'string', what: 'the folder that it becomes' },
    ...rangeOptions,
    family: { type: 'string', what: 'columns, label and horizon of this family' },
    label: { type: 'string', what: 'another label: {"kind":"threshold","up":0.001,"down":-0.001}' },
    horizon: { type: 'string', what: 'how far ahead the label looks, such as 15m' },
    dvc: { type: 'string', what: 'also into this folder, as `dvc pull` fetches it' },
  },
  run: async (call) => {
    const [coin, out, far] = [call.text('coin'), call.text('out'), call.text('horizon')]
    if (coin === undefined) throw misused(dataset, '--coin is missing')
    if (out === undefined) throw misused(dataset, '--out is missing')
    const horizon = far === undefined ? undefined : parseDuration(far)
    if (far !== undefined && horizon === undefined)
      throw misused(dataset, `${far} is no duration such as 15m`)
    const work = {
      ...storeOf(call),
      ...{ out, horizon, coin: coinOf(dataset, coin) },
      ...rangeOf(dataset, call),
      family: call.text('family'),
      label: call.text('label'),
      dvc: call.text('dvc'),
    }
    return finish(
      call,
      await long(call, 'writing', (progress) => call.world.daemon.dataset({ ...work, progress })),
    )
  },
}

function tableOf(word: string): ExportTable {
  const table = exportTables.find((name) => name === word)
  if (table) return table
  const meant = nearest(word, exportTables)
  const hint = meant ? `did you mean ${meant}?` : `expected one of ${exportTables.join(', ')}`
  throw misused(exportFile, `there is no table ${word}; ${hint}`)
}

const backup: Command = {
  name: 'backup',
  usage: 'FILE',
  summary: 'the whole store and its artifacts, consistent, while it runs',
  words: [1, 1],
  run: async (call) => {
    const work = { ...storeOf(call), file: call.words[0] as string }
    return finish(
      call,
      await long(call, 'saving', (progress) => call.world.daemon.backup({ ...work, progress })),
    )
  },
}

const restore: Command = {
  name: 'restore',
  usage: 'FILE',
  summary: 'a backup into a data directory that holds none of its data yet',
  words: [1, 1],
  run: async (call) => {
    const work = { ...storeOf(call), file: call.words[0] as string }
    return finish(
      call,
      await long(call, 'restoring', (progress) => call.world.daemon.restore({ ...work, progress })),
    )
  },
}

function storeOf(call: Call) {
  return { config: call.config().config, dataPath: call.dataPath }
}

function finish(call: Call, done: object): number {
  call.print(done, () => listing(flat(done)))
  return exitCodes.done
}

export const transferCommands: readonly Command[] = [
  importFile,
  exportFile,
  dataset,
  backup,
  restore,
]
