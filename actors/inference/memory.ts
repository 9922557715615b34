/** How much memory another process holds, asked from outside, since one that hangs cannot say it itself. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

/** Linux counts pages of 4 KiB in `statm` on every machine that we run on but a few arm64 kernels, which count fewer, larger ones. */
const pageBytes = 4096

/** Bytes; undefined when the process is gone. */
export async function residentBytes(
  pid: number,
  platform: NodeJS.Platform,
): Promise<number | undefined> {
  try {
    if (platform === 'linux') {
      const statm = await readFile(`/proc/${pid}/statm`, 'utf8')
      return Number(statm.split(' ')[1]) * pageBytes
    }
    const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', `${pid}`])
    return Number(stdout) * 1024
  } catch {
    // It ended between being asked for and being looked at; its exit is told on its own way.
    return undefined
  }
}
