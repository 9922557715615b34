import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bundling, decideBundling, type Run, runBundled } from '../../models/bundling.ts'

/** Adds a last bit that depends on how many rows came together. */
const sized =
  (noise: (rows: number) => number): Run =>
  async (inputs, rows) =>
    inputs.map((it) => it + noise(rows))

const cases: [what: string, run: Run, expected: Bundling][] = [
  ['a row is the same in any bundle', sized(() => 0), 'free'],
  ['a row alone differs', sized((rows) => (rows === 1 ? 1 : 0)), 'paired'],
  ['larger bundles differ', sized((rows) => (rows > 16 ? 1 : 0)), 'single'],
  ['odd bundles differ', sized((rows) => rows % 2), 'single'],
]
const golden = Float32Array.from({ length: 16 }, (_, at) => at)

for (const [what, run, expected] of cases) {
  test(`${what}: ${expected}, and then no answer depends on its bundle`, async () => {
    const bundling = await decideBundling(run, golden, 1, 1)
    assert.equal(bundling, expected)
    const alone = await runBundled(run, bundling, golden.subarray(3, 4), 1)
    for (const rows of [2, 3, 16]) {
      const answers = await runBundled(run, bundling, golden.subarray(0, rows), rows)
      assert.equal(answers.length, rows)
      if (rows > 3) assert.equal(answers[3], alone[0])
    }
  })
}

test('a difference that depends on the place in a bundle is found', async () => {
  const run: Run = async (inputs) => inputs.map((it, at) => it + (at === 2 ? 1 : 0))
  assert.equal(await decideBundling(run, golden, 1, 1), 'single')
})
