/**
 * Where the cluster lies and as whom its server runs. PostgreSQL refuses to run as root, so root hands it to the user
 * `postgres`, else to `nobody`; and what that user cannot reach (a data directory or packages below a closed home) is
 * placed in /var/lib/starling, with a note in the data directory that says so.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chownSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '../../../streams/fault.ts'
import { readIfThere } from '../read-if-there.ts'
import { type Binaries, copyBinaries } from './binaries.ts'

/** As whom to run; undefined where the server runs as ourselves. */
export interface Owner {
  readonly uid: number
  readonly gid: number
  readonly name: string
}

export interface Placement {
  readonly owner: Owner | undefined
  readonly binaries: Binaries
  /** The cluster's own folder, PGDATA. Its parent exists. */
  readonly cluster: string
  /** The folder of the server's socket: short enough, and closed to everybody else. */
  readonly socketFolder: string
}

const sharedHome = '/var/lib/starling'
/** A socket's path must fit 107 bytes on Linux and 103 on macOS; the file's own name takes 16. */
const socketFolderBytesMax = 86

/** `dataPath` is an existing folder. */
export function place(dataPath: string, found: Binaries): Placement {
  const owner = process.getuid?.() === 0 ? unprivilegedUser() : undefined
  const cluster = clusterFolder(dataPath, owner)
  const binaries =
    owner && !canReach(owner, join(found.home, 'bin', 'postgres'))
      ? inSharedHome(() => copyBinaries(found, sharedHome))
      : found
  return { owner, binaries, cluster, socketFolder: socketFolderOf(cluster, owner) }
}

/** Where the cluster of a data directory lies, if it has one; nothing is made. */
export function placed(dataPath: string): Pick<Placement, 'cluster' | 'socketFolder'> {
  const cluster = notedCluster(dataPath) ?? clusterInside(dataPath)
  return { cluster, socketFolder: socketPathOf(cluster) }
}

function clusterFolder(dataPath: string, owner: Owner | undefined): string {
  const noted = notedCluster(dataPath)
  if (noted !== undefined) return noted
  if (!owner || canReach(owner, dataPath)) return clusterInside(dataPath)
  const outside = join(sharedHome, hashOf(dataPath))
  inSharedHome(() => mkdirSync(sharedHome, { recursive: true, mode: 0o755 }))
  writeFileSync(noteOf(dataPath), `${outside}\n`)
  return outside
}

function notedCluster(dataPath: string): string | undefined {
  return readIfThere(noteOf(dataPath))?.trim()
}

function noteOf(dataPath: string): string {
  return join(dataPath, 'postgres.elsewhere')
}

function clusterInside(dataPath: string): string {
  return join(dataPath, 'postgres')
}

function inSharedHome<T>(make: () => T): T {
  try {
    return make()
  } catch (cause) {
    throw new Fault(
      'store.unreachable_folder',
      `PostgreSQL cannot run as root, the user it runs as instead cannot reach this folder, and ${sharedHome} cannot be written: ` +
        'start as an ordinary user, or choose a --data that others may pass through',
      { cause },
    )
  }
}

function socketPathOf(cluster: string): string {
  if (Buffer.byteLength(cluster) <= socketFolderBytesMax) return cluster
  return join(tmpdir(), `starling-${hashOf(cluster)}`)
}

function socketFolderOf(cluster: string, owner: Owner | undefined): string {
  const folder = socketPathOf(cluster)
  if (folder === cluster) return cluster
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  const uid = process.getuid?.() ?? 0
  // Anybody may make names in a shared temporary folder: one that is not ours is not used.
  const isOurs = found.isDirectory() && (found.uid === uid || found.uid === owner?.uid)
  if (!isOurs || (found.mode & 0o077) !== 0)
    throw new Fault('store.socket_folder', `${folder} belongs to somebody else: remove it`)
  if (owner) chownSync(folder, owner.uid, owner.gid)
  return folder
}

function unprivilegedUser(): Owner {
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout || Number.NaN),
    )
    if (uid !== undefined && gid !== undefined && uid > 0 && gid >= 0) return { uid, gid, name }
  }
  throw new Fault(
    'store.root',
    'PostgreSQL cannot run as root, and there is neither a user postgres nor a user nobody: start as an ordinary user',
  )
}

/** Asked of the system as that user, because access lists and mounts have their say too. */
function canReach(owner: Owner, path: string): boolean {
  const asked = spawnSync('/bin/sh', ['-c', 'test -x "$0"', path], {
    uid: owner.uid,
    gid: owner.gid,
    cwd: '/',
  })
  return asked.status === 0
}

function hashOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 16)
}
