/** A file that others make and remove at any time: to look first and read then would fall between the two. */
import { readFileSync } from 'node:fs'

/** Undefined when there is none, or, of a process, when it has ended. */
export function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}
