import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { World } from '../../../../ops/cli/world.ts'
import { stubDeps, stubReads } from '../../api/stub.ts'
import { starling } from '../stub.ts'

test('an audit from after the end of all that is stored is no question, and nothing is said to be whole', async () => {
  const nothing: typeof stubReads.continuity = async (from = 0, to = 0) => ({
    ...{ from, to, unexplained: 0, duplicates: 0, lanes: [] },
  })
  const world: Partial<World> = {
    holder: () => undefined,
    openMarket: async () => ({
      source: 'tape',
      reads: { ...stubReads, continuity: nothing },
      versions: stubDeps().versions,
      close: async () => {},
    }),
  }
  const { code, out, err } = await starling('continuity --from 2030-01-01', world)
  assert.deepEqual([code, out], [2, ''])
  assert.match(err, /--from 2030-01-01T00:00:00.000Z: there is nothing to audit from there on/)
  assert.equal((await starling('continuity', world)).code, 0)
})
