import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { artifactFiles } from '../../../../ops/store/versions/artifact-files.ts'
import { softmaxModel, testFolder, writeArtifact } from '../../../support/models/artifacts.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

test('one that is removed leaves nothing, is removed again in vain, and can be kept anew', async (t) => {
  const folder = temporaryFolder()
  const files = artifactFiles(folder)
  const from = testFolder(t)
  await writeArtifact(from, softmaxModel(1))
  const { sha256 } = await files.keep(from)
  assert.deepEqual(readdirSync(folder), [sha256])
  await files.remove(sha256)
  await files.remove(sha256)
  assert.deepEqual(readdirSync(folder), [])
  assert.equal(files.has(sha256), false)
  await files.keep(from)
  assert.deepEqual(readdirSync(folder), [sha256])
})
