/**
 * The feature set that is live, readable by name: its columns' names beside its hash, and the view `feature_latest` with
 * one column per name, for SQL and a Grafana panel.
 */
import type { Sql } from '../connection.ts'
import { faulted } from '../faults.ts'
import type { Names } from '../names.ts'

export async function registerFeatureSet(
  sql: Sql,
  names: Names,
  hash: string,
  columns: readonly string[],
): Promise<void> {
  const setId = await names.featureSet(hash)
  await faulted(() =>
    sql.begin(async (tx) => {
      await tx`update feature_set set names = ${tx.array([...columns])} where id = ${setId} and names is null`
      const [view] = await tx<{ comment: string | null }[]>`
        select obj_description(to_regclass('feature_latest')) as comment`
      if (view?.comment === hash) return
      const list = columns.map((name, i) => `f.values[${i + 1}] as ${quoted(name)}`).join(', ')
      await tx`drop view if exists feature_latest`
      await tx.unsafe(`
        create view feature_latest as
        select c.symbol as coin, f.open_at, f.state, f.whole, f.after_gap${list && `, ${list}`}
        from feature f join coin c on c.id = f.coin_id where f.set_id = ${setId}`)
      await tx.unsafe(`comment on view feature_latest is '${hash.replaceAll("'", "''")}'`)
    }),
  )
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
