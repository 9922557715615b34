/**
 * The registry that is part of the store: versions, the alias that says which of them a lane is to have, and the bytes of
 * their artifacts, so that a daemon with an empty data directory finds them again. What is announced goes by NOTIFY, which
 * is a hint that nobody may rely on.
 */
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Subject } from 'rxjs'
import type { Artifact } from '../../../models/artifact.ts'
import { whyRefused } from '../../../models/judging/verdict.ts'
import { horizonMs, intervalMs, type Manifest, plainPath } from '../../../models/manifest.ts'
import type { Registry } from '../../../models/registry.ts'
import { type Lane, laneName } from '../../../models/version.ts'
import { coinFromPath } from '../../../streams/coin.ts'
import { Fault } from '../../../streams/fault.ts'
import type { Sql, Tx } from '../connection.ts'
import { faulted } from '../faults.ts'
import type { Store } from '../store.ts'
import { transact } from '../transact.ts'
import { pruneArchive, refuseVersion } from './archive.ts'
import type { ArtifactFiles } from './artifact-files.ts'
import { lockLane } from './pointers.ts'
import { inScratch } from './scratch.ts'
import { artifactOf, registerVersion } from './versions.ts'

export interface RegistryNeeds {
  readonly store: Pick<Store, 'sql' | 'names' | 'intervalMs'>
  readonly files: ArtifactFiles
  /** Where a download is put together before it is looked at. */
  readonly folder: string
}

export interface EmbeddedRegistry extends Registry {
  readonly close: () => Promise<void>
}

const channel = 'starling_registry'
/** A row of this size is read and written in one piece without being felt. */
const partBytes = 4 * 1024 * 1024

export async function openRegistry(needs: RegistryNeeds): Promise<EmbeddedRegistry> {
  const { store, files } = needs
  const { sql, names } = store
  const announced$ = new Subject<Lane>()
  const downloads = new Map<string, Promise<void>>()
  // One artifact may be many lanes' next version, and all of them want it at once.
  const downloadOnce = (sha256: string): Promise<void> => {
    const begun =
      downloads.get(sha256) ??
      inScratch(needs.folder, (scratch) => download(needs, sha256, scratch)).finally(() =>
        downloads.delete(sha256),
      )
    downloads.set(sha256, begun)
    return begun
  }
  const listening = await faulted(() =>
    sql.listen(channel, (text) => {
      const lane = laneOf(text)
      if (lane) announced$.next(lane)
    }),
  )
  return {
    watch: (hear) => {
      const heard = announced$.subscribe(hear)
      return () => heard.unsubscribe()
    },
    publish: async (lane, folder, by) => {
      const artifact = await files.keep(folder)
      await refuseStranger(store, lane, artifact.manifest)
      const metrics: unknown = JSON.parse(await readFile(join(folder, 'metrics.json'), 'utf8'))
      await keepBytes(sql, artifact)
      const { sha256, manifest } = artifact
      const version = await registerVersion(sql, names, {
        ...lane,
        sha256,
        manifest,
        metrics,
        artifact: sha256,
      })
      const versionId = await names.version(version)
      const laneId = await names.lane(lane)
      const gone = await transact(sql, async (tx) => {
        await lockLane(tx, laneId)
        // Its bytes are here again, where they had been given up.
        await tx`
          update version set verdict = coalesce(${verdictText(by.verdict)}::text::jsonb, verdict),
            training_run = coalesce(${by.run}::int8, training_run),
            archived_at = case when removed_at is null then archived_at else clock_timestamp() end, removed_at = null
          where id = ${versionId}`
        await tx`
          insert into transition (version_id, stage)
          select ${versionId}, 'announced'
          where not exists (select from transition where version_id = ${versionId} and swap_id is null)`
        if (by.activate) await name(tx, laneId, versionId)
        await tx`select pg_notify(${channel}, ${laneName(lane)})`
        if (by.verdict?.verdict !== 'refused') return []
        await refuseVersion(tx, versionId, whyRefused(by.verdict))
        return pruneArchive(tx, laneId)
      })
      for (const it of gone) await files.remove(it)
      return version
    },
    desired: async (lane) => {
      const [alias] = await faulted(
        () => sql<{ number: number; revision: number }[]>`
          select v.number, a.revision from alias a join version v on v.id = a.version_id
          join lane l on l.id = a.lane_id join coin c on c.id = l.coin_id
          where c.symbol = ${lane.coin} and l.family = ${lane.family}`,
      )
      return alias && { version: { ...lane, version: alias.number }, generation: alias.revision }
    },
    fetch: async (version) => {
      const sha256 = await artifactOf(sql, names, version)
      if (!files.has(sha256)) await downloadOnce(sha256)
      return (await files.open(sha256)).folder
    },
    close: async () => {
      announced$.complete()
      await listening.unlisten()
    },
  }
}

/** Another version than before is a change of mind; the same one is not. */
async function name(tx: Tx, laneId: number, versionId: number): Promise<void> {
  await tx`
    insert into alias as a (lane_id, version_id, revision) values (${laneId}, ${versionId}, 1)
    on conflict (lane_id) do update set
      version_id = excluded.version_id, revision = a.revision + 1, changed_at = clock_timestamp()
    where a.version_id <> excluded.version_id`
}

/** Horizon, kind of label, task and interval belong to the lane: its first version has said what they are. */
async function refuseStranger(
  store: RegistryNeeds['store'],
  lane: Lane,
  manifest: Manifest,
): Promise<void> {
  if (manifest.family !== lane.family)
    throw new Fault('artifact.family', `it is of family ${manifest.family}, not ${lane.family}`)
  if (manifest.coin !== '*' && manifest.coin !== lane.coin)
    throw new Fault('artifact.coin', `it is for ${manifest.coin}, not for ${lane.coin}`)
  if (intervalMs(manifest) !== store.intervalMs)
    throw new Fault(
      'artifact.interval',
      `it reads candles of ${manifest.interval}, this market has others`,
    )
  const laneId = await store.names.lane(lane)
  const [first] = await faulted(
    () => store.sql<{ horizon_ms: number; task: string; label_kind: string }[]>`
      select horizon_ms, task, label_kind from version where lane_id = ${laneId} order by number limit 1`,
  )
  if (!first) return
  const found = [horizonMs(manifest), manifest.task, manifest.label.kind]
  const wanted = [first.horizon_ms, first.task, first.label_kind]
  if (found.every((it, i) => it === wanted[i])) return
  throw new Fault(
    'artifact.lane',
    `${laneName(lane)} has horizon, task and label ${wanted.join(', ')}; it has ${found.join(', ')}`,
  )
}

async function keepBytes(sql: Sql, { folder, sha256, manifest }: Artifact): Promise<void> {
  const [known] = await faulted(
    () => sql`select from artifact_file where sha256 = ${sha256} and name = 'manifest.json'`,
  )
  if (known) return
  // The manifest comes last: where it is, all is.
  for (const file of [...Object.keys(manifest.files), 'manifest.json']) {
    let part = 0
    const stream = createReadStream(join(folder, file), { highWaterMark: partBytes })
    for await (const bytes of stream as AsyncIterable<Buffer>) {
      const at = part++
      await faulted(
        () => sql`
          insert into artifact_file (sha256, name, part, bytes) values (${sha256}, ${file}, ${at}, ${bytes})
          on conflict do nothing`,
      )
    }
  }
}

async function download(
  { store, files }: RegistryNeeds,
  sha256: string,
  scratch: string,
): Promise<void> {
  const { sql } = store
  const parts = await faulted(
    () => sql<{ name: string; part: number }[]>`
      select name, part from artifact_file where sha256 = ${sha256} order by name, part`,
  )
  if (!parts.some((it) => it.name === 'manifest.json'))
    throw new Fault('artifact.missing', `the registry has no artifact ${sha256}`)
  for (const { name: file, part } of parts) {
    if (!plainPath.test(file)) throw new Fault('artifact.manifest', `${file} is not a plain path`)
    const path = join(scratch, file)
    if (part === 0) await mkdir(dirname(path), { recursive: true })
    const [row] = await faulted(
      () => sql<{ bytes: Uint8Array }[]>`
        select bytes from artifact_file where sha256 = ${sha256} and name = ${file} and part = ${part}`,
    )
    const out = await open(path, 'a')
    try {
      await out.write(row?.bytes ?? new Uint8Array(0))
    } finally {
      await out.close()
    }
  }
  const kept = await files.keep(scratch)
  if (kept.sha256 !== sha256)
    throw new Fault('artifact.hash', `the registry has another artifact under ${sha256}`)
}

function verdictText(verdict: unknown): string | null {
  return verdict === null ? null : JSON.stringify(verdict)
}

/** `BTC-USDT/linear`; anything else is no news of ours. */
function laneOf(text: string): Lane | undefined {
  const [path = '', family = ''] = text.split('/')
  const coin = coinFromPath(path)
  return coin && family ? { coin, family } : undefined
}
