import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { place, settle } from '../../../models/dataset/place.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

/** A draft that says `new`, and where there was one, a folder in its place that says `old`. */
function made(hasOld: boolean) {
  const folder = temporaryFolder()
  const [draft, out] = [join(folder, 'draft'), join(folder, 'out')]
  mkdirSync(draft)
  writeFileSync(join(draft, 'word'), 'new')
  if (hasOld) mkdirSync(out)
  if (hasOld) writeFileSync(join(out, 'word'), 'old')
  return { folder, draft, out, word: () => readFileSync(join(out, 'word'), 'utf8') }
}

for (const hasOld of [true, false]) {
  test(`a draft takes its place, ${hasOld ? 'another’s' : 'empty'}, and nothing is left over`, async () => {
    const { folder, draft, out, word } = made(hasOld)
    await place(draft, out)
    assert.equal(word(), 'new')
    assert.deepEqual(readdirSync(folder), ['out'])
  })
}

test('cut short at any rename, there is the old one or the new one, never nothing', async () => {
  for (const allowed of [0, 1]) {
    const { folder, draft, out, word } = made(true)
    let moves = 0
    const cut = async (from: string, to: string): Promise<void> => {
      if (moves++ === allowed) throw new Error('killed')
      renameSync(from, to)
    }
    await assert.rejects(place(draft, out, cut as Move))
    await settle(out)
    assert.equal(word(), 'old', `after ${allowed} renames`)
    await place(draft, out)
    assert.equal(word(), 'new')
    assert.deepEqual(readdirSync(folder), ['out'])
  }
})

test('cut short after the last rename, the old one goes the next time', async () => {
  const { folder, draft, out, word } = made(true)
  renameSync(out, `${out}.before`)
  renameSync(draft, out)
  await settle(out)
  assert.equal(word(), 'new')
  assert.deepEqual(readdirSync(folder), ['out'])
})

type Move = NonNullable<Parameters<typeof place>[2]>
