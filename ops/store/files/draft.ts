/**
 * A file for others is written beside its name and gets the name when it is whole. Where nothing can be written is said
 * before anything is read.
 */
import { closeSync, openSync } from 'node:fs'
import { diskFull } from '../../../streams/disk-full.ts'
import { Fault } from '../../../streams/fault.ts'

export function draftOf(file: string): string {
  const draft = `${file}.part`
  try {
    closeSync(openSync(draft, 'w', 0o600))
    return draft
  } catch (cause) {
    throw unwritten(file, cause)
  }
}

export function unwritten(file: string, cause: unknown): Fault {
  const what = `cannot write ${file}`
  const why = (cause as Error).message
  return diskFull(cause, what) ?? new Fault('data.unwritten', `${what}: ${why}`, { cause })
}
