/**
 * 180 days of one coin made into a dataset as `starling dataset` makes it, out of PostgreSQL in the process that it forks:
 * features, labels, checks, profile and Parquet; beside DuckDB reading every number of the very file that came of it.
 */
import { join } from 'node:path'
import { openFamily } from '../../models/family.ts'
import { makeDataset } from '../../ops/training/dataset-process.ts'
import { featureSet } from '../../streams/features/set.ts'
import { dayMs, minuteMs } from '../../streams/time.ts'
import type { Figure } from './figure.ts'
import { madeStore } from './made-store.ts'
import { askRival, notMeasured } from './rival.ts'

const days = 180
const turns = 2

export async function benchDataset(): Promise<readonly Figure[]> {
  const made = await madeStore('dataset', days * 1_440)
  try {
    const { store, coin, range } = made
    const { address, market, intervalMs } = store
    const { label } = openFamily('linear')
    const columns = featureSet(minuteMs)
      .columns.filter(({ audience, needs }) => audience === 'models' && needs === null)
      .map(({ name }) => name)
    const out = join(made.folder, 'dataset')
    const asked = {
      store: { address, market, intervalMs },
      order: { coin, source: 'tape', label, horizonCandles: 15, columns, ...range, now: range.to },
      out,
    }
    const { signal } = new AbortController()
    const seconds: number[] = []
    for (let turn = 0; turn < turns; turn++) {
      const began = performance.now()
      await makeDataset(asked, { signal, progress: () => {} })
      seconds.push((performance.now() - began) / 1_000)
    }
    const built = Math.min(...seconds)
    const name = `dataset of ${days} days × ${columns.length} columns, out of the store`
    const told = `${Math.round((days * dayMs) / minuteMs / built).toLocaleString('en')} rows/s`
    const scan = 'DuckDB scanning that file'
    const said = askRival<number>('duckdb-scan.py', ['duckdb==2.0.0'], join(out, 'rows.parquet'))
    if (said.type === 'absent')
      return [{ name, value: built, unit: 's', against: told }, notMeasured(scan, 's', said.why)]
    const ratio = built / said.value
    const against = `${told}; ${scan}, one thread: ${said.value.toFixed(2)} s`
    return [{ name, value: built, unit: 's', theirs: said.value, ratio, against }]
  } finally {
    await made.close()
  }
}
