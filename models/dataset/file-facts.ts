/** What a manifest says of a file: its length and the sha256 of its bytes, streamed. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

export interface FileFacts {
  readonly bytes: number
  readonly sha256: string
}

export async function fileFacts(path: string): Promise<FileFacts> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk)
    bytes += (chunk as Buffer).length
  }
  return { bytes, sha256: hash.digest('hex') }
}
