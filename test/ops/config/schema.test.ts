import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { leaves } from '../../../ops/config/paths.ts'
import { configJsonSchema, configSchema, encodeConfig } from '../../../ops/config/schema.ts'
import { durationText, parseDuration } from '../../../streams/time.ts'

test('the published JSON Schema is the one the daemon validates with', () => {
  const published = JSON.parse(readFileSync('starling.schema.json', 'utf8'))
  assert.deepEqual(
    published,
    JSON.parse(JSON.stringify(configJsonSchema())),
    'run: npx starling config --schema > starling.schema.json',
  )
})

test('a configuration written down and read again is the same', () => {
  const config = configSchema.parse({})
  assert.deepEqual(configSchema.parse(encodeConfig(config)), config)
})

test('no two settings share a name in the environment', () => {
  const names = leaves(encodeConfig(configSchema.parse({})), []).map((path) =>
    path.join('').toLowerCase(),
  )
  assert.equal(new Set(names).size, names.length)
})

test('a length of time survives being written as text', () => {
  fc.assert(fc.property(fc.nat(2 ** 40), (ms) => parseDuration(durationText(ms)) === ms))
})
