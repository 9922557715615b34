/**
 * The cluster on disk: made once, whole or not at all, and opened by its own major only. Data checksums are on, and it
 * is reached through a socket in a closed folder, never over the network.
 */
import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Fault } from '../../../streams/fault.ts'
import { freeBytes } from '../data-directory.ts'
import type { Placement } from './placement.ts'

export const clusterUser = 'starling'

export function ensureCluster(placement: Placement): void {
  const { cluster, binaries } = placement
  const versionFile = join(cluster, 'PG_VERSION')
  if (!existsSync(cluster)) createCluster(placement)
  if (!existsSync(versionFile))
    throw new Fault(
      'store.not_a_cluster',
      `${cluster} exists but is not a PostgreSQL cluster: move it away, or choose another --data`,
    )
  const major = readFileSync(versionFile, 'utf8').trim()
  if (major !== String(binaries.major))
    throw new Fault(
      'store.other_major',
      `${cluster} was made by PostgreSQL ${major}, and this is PostgreSQL ${binaries.major}: ` +
        `with the Starling that made it, run "starling backup FILE"; then start with another --data and run "starling restore FILE"`,
    )
}

/** A fresh cluster of PostgreSQL 18 takes 40 MiB, and its first segment of log 16 MiB more. */
const bytesMin = 64 * 1024 ** 2

/** initdb says of a full disk only that a child of its was aborted. */
function requireRoom(cluster: string): void {
  const bytes = freeBytes({ path: dirname(cluster) })
  if (bytes >= bytesMin) return
  const [left, wanted] = [bytes, bytesMin].map((it) => Math.floor(it / 1024 ** 2))
  throw new Fault(
    'disk.full',
    `cannot make a PostgreSQL cluster in ${cluster}: the disk has ${left} MiB left, it takes ${wanted}: make room on it`,
  )
}

export function draftOf(cluster: string): string {
  return `${cluster}.new`
}

/** Made beside its place and moved there when whole, so an interrupted start leaves nothing half-done. */
function createCluster({ cluster, binaries, owner }: Placement): void {
  const draft = draftOf(cluster)
  requireRoom(cluster)
  try {
    rmSync(draft, { recursive: true, force: true })
    mkdirSync(draft, { mode: 0o700 })
    if (owner) chownSync(draft, owner.uid, owner.gid)
  } catch (cause) {
    throw new Fault('store.initdb', `cannot make ${draft}: ${(cause as Error).message}`, { cause })
  }
  const made = spawnSync(
    join(binaries.home, 'bin', 'initdb'),
    [
      ...['-D', draft, '-U', clusterUser, '-E', 'UTF8', '--locale=C', '--data-checksums'],
      ...['--auth=trust', '--no-instructions'],
    ],
    {
      cwd: draft,
      encoding: 'utf8',
      // initdb asks for no other variable, and a foreign PGDATA or LC_ALL would mislead it.
      env: { PATH: '/usr/bin:/bin', TZ: 'UTC' },
      ...(owner ? { uid: owner.uid, gid: owner.gid } : {}),
    },
  )
  if (made.status !== 0) {
    rmSync(draft, { recursive: true, force: true })
    const said = made.error?.message ?? made.stderr.trim().split('\n').slice(-3).join(' ')
    throw new Fault('store.initdb', `cannot make a PostgreSQL cluster in ${cluster}: ${said}`)
  }
  renameSync(draft, cluster)
}

/**
 * A small server: one daemon, a dozen connections. What an acknowledged row stands on, `fsync`, `full_page_writes` and
 * `synchronous_commit`, is left on and said aloud.
 */
export function serverSettings(placement: Placement): readonly string[] {
  const settings: Readonly<Record<string, string>> = {
    listen_addresses: '',
    // Quoted, because the setting is a list with commas.
    unix_socket_directories: `"${placement.socketFolder.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    shared_buffers: '32MB',
    max_connections: '40',
    superuser_reserved_connections: '2',
    work_mem: '16MB',
    maintenance_work_mem: '48MB',
    effective_cache_size: '512MB',
    jit: 'off',
    // Workers would take the cores that the models need.
    max_parallel_workers_per_gather: '0',
    max_parallel_maintenance_workers: '0',
    io_method: 'sync',
    // Nothing is replicated from here; bulk loads into new partitions then skip the log.
    wal_level: 'minimal',
    max_wal_senders: '0',
    min_wal_size: '64MB',
    max_wal_size: '512MB',
    checkpoint_timeout: '15min',
    autovacuum_max_workers: '1',
    timezone: 'UTC',
    log_timezone: 'UTC',
    datestyle: 'ISO, YMD',
    log_min_messages: 'warning',
    log_min_error_statement: 'panic',
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
