/**
 * Programs of a Debian package for the system tests: those on the PATH where the package is installed, else unpacked below
 * `.starling/` without installing anything, and kept between runs. Where they cannot be had the answer says why.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const home = join(import.meta.dirname, '../../../.starling/test-debian')
const downloadTriesMax = 3
const downloadMsMax = 120_000

export type Programs =
  | { readonly type: 'present'; readonly paths: Readonly<Record<string, string>> }
  | { readonly type: 'absent'; readonly why: string }

/** `folder` is where the package keeps them, below its root. */
export function debianTools(
  pack: string,
  programs: readonly string[],
  folder = 'usr/bin',
): Programs {
  const there = (root: string): Programs | undefined => {
    const paths = programs.map((name) => [name, join(root, folder, name)] as const)
    if (!paths.every(([, path]) => existsSync(path))) return undefined
    return { type: 'present', paths: Object.fromEntries(paths) }
  }
  const root = join(home, pack)
  return there('/') ?? there(root) ?? unpack(pack, root) ?? there(root) ?? lacking(pack)
}

function unpack(pack: string, root: string): Programs | undefined {
  const draft = `${root}.${process.pid}`
  mkdirSync(draft, { recursive: true })
  try {
    for (let tries = 1; ; tries++) {
      const done = spawnSync('apt-get', ['download', pack], {
        cwd: draft,
        encoding: 'utf8',
        timeout: downloadMsMax,
      })
      if (done.status === 0) break
      if (tries === downloadTriesMax) {
        const said = done.error?.message ?? done.stderr.trim().split('\n').at(-1)
        return { type: 'absent', why: `apt-get download ${pack} failed: ${said}` }
      }
    }
    const file = readdirSync(draft).find((name) => name.endsWith('.deb')) ?? ''
    const done = spawnSync('dpkg', ['-x', join(draft, file), draft], { encoding: 'utf8' })
    if (done.status !== 0) return { type: 'absent', why: `dpkg -x ${file} failed: ${done.stderr}` }
    rmSync(root, { recursive: true, force: true })
    renameSync(draft, root)
    return undefined
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

function lacking(pack: string): Programs {
  return { type: 'absent', why: `${pack} has not the programs that were looked for` }
}
