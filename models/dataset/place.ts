/**
 * A folder comes to its place as a whole, and what lay there before stays until it does: it is set aside under a name that
 * is known, so whoever finds the place empty after a kill puts it back.
 */
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

const asideOf = (out: string): string => `${out}.before`

/** `move` is the system's own rename, for tests to fail in between. */
export async function place(draft: string, out: string, move = rename): Promise<void> {
  await mkdir(dirname(out), { recursive: true })
  await settle(out)
  if (existsSync(out)) await move(out, asideOf(out))
  await move(draft, out)
  await rm(asideOf(out), { recursive: true, force: true })
}

/** Ends what was cut short: what was set aside goes back to an empty place, and goes for good from a taken one. */
export async function settle(out: string): Promise<void> {
  if (!existsSync(asideOf(out))) return
  if (existsSync(out)) await rm(asideOf(out), { recursive: true, force: true })
  else await rename(asideOf(out), out)
}
