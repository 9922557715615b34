import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bar, progressBar } from '../../../ops/cli/progress.ts'
import { table } from '../../../ops/cli/table.ts'
import { said } from './stub.ts'

const columns = [
  { name: 'name', of: (row: { a: string; b: number | null }) => row.a },
  { name: 'n', of: (row: { a: string; b: number | null }) => row.b },
]

test('text stands left, numbers stand right, what is missing is a dash', () => {
  const rows = [
    { a: 'short', b: 12345 },
    { a: 'longer', b: null },
  ]
  assert.equal(table(rows, columns), 'name        n\nshort   12345\nlonger      -')
})

test('lines are cut to the window', () => {
  assert.equal(table([{ a: 'abcdefgh', b: 1 }], columns, 8).split('\n')[1], 'abcdefg…')
})

test('a bar tells how far and how long', () => {
  const drawn = `${'█'.repeat(15)}${'░'.repeat(15)}`
  assert.equal(bar('saving', 1, 2, 2000), `saving ${drawn} 50 % 2 s left`)
  assert.match(bar('saving', 0, 0, 0), / 0 %$/)
})

test('short work shows no bar, and nobody sees one where there is no terminal', () => {
  for (const [isTerminal, tookMs, isShown] of [
    [true, 900, false],
    [true, 1100, true],
    [false, 9000, false],
  ] as const) {
    const err = said(isTerminal)
    let now = 0
    const progress = progressBar('x', err, () => now)
    now = tookMs
    progress.step(1, 2)
    progress.end()
    assert.equal(err.text() !== '', isShown)
    if (isShown) assert(err.text().endsWith('\r\u001b[2K'))
  }
})
