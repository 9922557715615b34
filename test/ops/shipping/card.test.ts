import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openArtifact } from '../../../models/artifact.ts'
import { families } from '../../../models/family.ts'
import { type CardMetrics, cardOf } from '../../../ops/shipping/card.ts'

/** Tables are laid out by the formatter. */
const bare = (text: string): string => text.replace(/ *\| */g, '|').replace(/-{3,}/g, '---')

for (const family of families()) {
  test(`the card of ${family.name} says what its artifact says`, async () => {
    const { manifest, folder } = await openArtifact(join(family.folder, 'v1'))
    const metrics = JSON.parse(readFileSync(join(folder, 'metrics.json'), 'utf8')) as CardMetrics
    const card = readFileSync(join(family.folder, 'README.md'), 'utf8')
    assert.equal(bare(card), bare(cardOf(family, manifest, metrics)))
    const { train, validate } = metrics.split
    const learnt = card.split('## The shipped version')[1]?.split('Judged on')[0] ?? ''
    for (const { ranges, rows } of [train, validate]) {
      const last = (ranges[0]?.[1] ?? '').slice(0, 10)
      assert.match(
        learnt,
        new RegExp(`${rows?.toLocaleString('en-GB')} rows [^;]* to ${last}`, 's'),
      )
    }
  })
}
