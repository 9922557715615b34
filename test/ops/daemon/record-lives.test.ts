import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { recordLives } from '../../../ops/daemon/record-lives.ts'
import { createLog } from '../../../ops/telemetry/log.ts'
import { tell } from '../../../streams/channels.ts'
import { wallClock } from '../../../streams/time.ts'
import { openTestStore, type TestStore } from '../../support/store/database.ts'
import { until } from '../../support/until.ts'

async function recorded(): Promise<{ readonly store: TestStore; readonly said: string[] }> {
  const store = await openTestStore()
  const said: string[] = []
  const log = createLog(
    (line) => said.push(line),
    () => 0,
  )
  after(() => log.close())
  after(recordLives({ sql: store.sql, clock: wallClock, log, firstEpoch: 1 }))
  return { store, said }
}

test('what a message holds that PostgreSQL takes no text of is left out, and the rest is kept', async () => {
  const { store } = await recorded()
  tell('actor.started', { path: 'a', epoch: 1 })
  tell('actor.ended', { path: 'a', epoch: 1, reason: 'Unexpected token \0 in JSON' })
  const message = { text: 'a\0b', half: '\ud83d', backslash: 'C:\\u0000', long: '\0'.repeat(9000) }
  tell('dead.letter', { path: 'a', reason: 'nobody \0 there', message })
  const [letter] = await until('it is kept', async () => {
    const rows = await store.sql`select reason, message from dead_letter`
    return rows.length > 0 && rows
  })
  assert.equal(letter?.reason, 'nobody  there')
  assert.deepEqual(letter?.message, {
    text: 'ab',
    half: '\ufffd',
    backslash: 'C:\\u0000',
    long: '',
  })
  const lives = await store.sql`select reason from incarnation`
  assert.deepEqual([...lives], [{ reason: 'Unexpected token  in JSON' }])
})

test('a note that the database will never take is dropped, and holds up none after it', async () => {
  const { store, said } = await recorded()
  tell('actor.started', { path: 'no\0path', epoch: 1 })
  tell('actor.started', { path: 'b', epoch: 2 })
  await until('the next is kept', async () => {
    const rows = await store.sql`select from incarnation where epoch = 2`
    return rows.length === 1
  })
  assert.equal(said.filter((line) => line.includes('records.dropped')).length, 1)
})
