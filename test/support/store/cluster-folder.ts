/** Folders in which a test has clusters made: those go with them, wherever they lie. */
import { after } from 'node:test'
import { removeDataDirectory } from '../../../ops/store/embedded/server.ts'
import { temporaryFolder } from '../temporary-folder.ts'

const folders: string[] = []
// With the file and not with their tests, which end in their turn what works in them.
after(async () => {
  for (const folder of folders) await removeDataDirectory(folder)
})

export function clusterFolder(): string {
  const folder = temporaryFolder()
  folders.push(folder)
  return folder
}
