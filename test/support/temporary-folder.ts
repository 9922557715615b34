/** A folder that a test may fill. Whoever asks for it removes it. */
import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** With a space, because people's folders have them, and open to the user as whom root runs PostgreSQL. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'starling test '))
  chmodSync(folder, 0o755)
  return folder
}
