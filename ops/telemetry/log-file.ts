/**
 * The daemon's log under `<data>/log`: `starling.log`, begun anew at a size, the earlier ones kept for a time and up to a
 * number. A line that cannot be written (the disk is full) is dropped and counted, and the count is the first thing
 * written once it goes again: logging never stops the daemon.
 */
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Millis } from '../../streams/time.ts'

export interface LogFile {
  readonly write: (line: string) => void
  readonly close: () => void
}

export interface LogFileLimits {
  readonly bytesMax: number
  readonly filesMax: number
  readonly keepMs: Millis
}

export const logFileName = 'starling.log'

export function openLogFile(folder: string, limits: LogFileLimits, now: () => Millis): LogFile {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, logFileName)
  let file = openSync(path, 'a')
  let bytes = fstatSync(file).size
  let dropped = 0

  function append(line: string): void {
    bytes += writeSync(file, `${line}\n`)
  }

  function rotate(): void {
    renameSync(path, join(folder, `starling-${stamp(now())}.log`))
    const fresh = openSync(path, 'a') // Where this fails, the old file is still open and goes on.
    closeSync(file)
    file = fresh
    bytes = 0
    prune(folder, limits, now())
  }

  return {
    write: (line) => {
      try {
        if (bytes >= limits.bytesMax) rotate()
        if (dropped > 0) {
          append(
            JSON.stringify({
              at: new Date(now()).toISOString(),
              level: 'error',
              event: 'log.dropped',
              count: dropped,
            }),
          )
          dropped = 0
        }
        append(line)
      } catch {
        dropped += 1
      }
    },
    close: () => closeSync(file),
  }
}

/** Sorts as it passes and is a file name everywhere: `2026-11-21T01-02-03-004Z`. */
function stamp(at: Millis): string {
  return new Date(at).toISOString().replaceAll(/[:.]/g, '-')
}

function prune(folder: string, limits: LogFileLimits, now: Millis): void {
  const old = readdirSync(folder)
    .filter((name) => /^starling-.*\.log$/.test(name))
    .sort()
    .reverse()
  for (const [index, name] of old.entries()) {
    const path = join(folder, name)
    const isKept = index < limits.filesMax && statSync(path).mtimeMs > now - limits.keepMs
    if (!isKept) rmSync(path)
  }
}
