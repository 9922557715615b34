/**
 * A dataset folder as DVC 3 keeps it: its files by their md5 in a remote folder, the list of them as one more, and a
 * `.dvc` file beside the dataset that names the list. Whoever has that file and the remote gets the dataset by `dvc pull`.
 */
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

export interface Tracked {
  /** The `.dvc` file. */
  readonly path: string
  readonly md5: string
}

export async function trackByDvc(folder: string, remote: string): Promise<Tracked> {
  const names = (await readdir(folder)).toSorted()
  const files: { readonly md5: string; readonly relpath: string }[] = []
  let size = 0
  for (const relpath of names) {
    const path = join(folder, relpath)
    const md5 = md5Of(await readFile(path))
    size += (await stat(path)).size
    files.push({ md5, relpath })
    await keep(remote, md5, (to) => copyFile(path, to))
  }
  const list = Buffer.from(pythonJson(files))
  const md5 = `${md5Of(list)}.dir`
  await keep(remote, md5, (to) => writeFile(to, list))
  const path = `${folder}.dvc`
  const text = `outs:\n- md5: ${md5}\n  size: ${size}\n  nfiles: ${files.length}\n  hash: md5\n  path: ${basename(folder)}\n`
  await writeFile(path, text)
  return { path, md5 }
}

/** Content never changes under its name: what is there is left, and nobody sees half a file. */
async function keep(
  remote: string,
  md5: string,
  write: (to: string) => Promise<unknown>,
): Promise<void> {
  const to = join(remote, 'files', 'md5', md5.slice(0, 2), md5.slice(2))
  await mkdir(dirname(to), { recursive: true })
  await write(`${to}.draft`)
  await rename(`${to}.draft`, to)
}

function md5Of(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex')
}

/** The list's own hash is over these very bytes: keys in order, a space after each comma and colon. */
function pythonJson(files: readonly { readonly md5: string; readonly relpath: string }[]): string {
  const entries = files.map(
    ({ md5, relpath }) => `{"md5": ${JSON.stringify(md5)}, "relpath": ${JSON.stringify(relpath)}}`,
  )
  return `[${entries.join(', ')}]`
}
