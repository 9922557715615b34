/** For a file that another process reads at any time: it finds the one before or the new one, never a part. */
import { renameSync, writeFileSync } from 'node:fs'

export function writeWhole(file: string, text: string): void {
  const draft = `${file}.draft`
  writeFileSync(draft, text)
  renameSync(draft, file)
}
