import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyDay } from '../../../models/scores/sums.ts'
import { ask, btc, model, noon, stubReads } from './stub.ts'

const families = ['tst', 'linear', 'lstm', 'volatility', 'lightgbm']

interface Body {
  readonly items: readonly { readonly family: string }[]
  readonly next: string | null
}

/** The families of each page, and what asks for the next. */
async function pagesOf(path: string): Promise<readonly (readonly string[])[]> {
  const of = { coin: btc, version: 1 }
  const reads = {
    ...stubReads,
    pointers: async () => [],
    models: async () => families.map((family) => ({ ...model, family })),
    signals: async () =>
      families.map((family) => ({ ...of, family, slot: 'v1' as const, newest: null })),
    daySums: async () => families.map((family) => ({ ...emptyDay(noon), ...of, family })),
  }
  const pages: (readonly string[])[] = []
  for (let query = 'limit=2'; query !== ''; ) {
    const { status, body } = await ask(`/api/v1/${path}?${query}`, {}, { reads })
    assert.equal(status, 200, path)
    const { items, next } = body as Body
    pages.push(items.map(({ family }) => family))
    query = next === null ? '' : `limit=2&cursor=${next}`
  }
  return pages
}

for (const path of ['models', 'lanes', 'scores', 'signals']) {
  test(`${path} come in pages, and all of them where nothing is said`, async () => {
    assert.deepEqual(await pagesOf(path), [['lightgbm', 'linear'], ['lstm', 'tst'], ['volatility']])
    const { body } = await ask(`/api/v1/${path}`)
    assert.equal((body as Body).next, null)
    assert.equal((await ask(`/api/v1/${path}?limit=10001`)).status, 400)
    assert.partialDeepStrictEqual(await ask(`/api/v1/${path}?cursor=abc`), {
      status: 404,
      body: { code: 'query.cursor' },
    })
  })
}
