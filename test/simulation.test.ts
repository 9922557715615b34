/**
 * The whole path by seeds: whatever happens to actors, connections, commits and daemons, the ledger ends as it would have
 * in a calm. A failure prints its seed; SEED=n runs that one alone.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededStartAt } from '../streams/feeds/tape/seeded.ts'
import { minuteMs } from '../streams/time.ts'
import { calm, type Ended, live } from './simulation/world.ts'

const hours = 2
const from = seededStartAt
const to = from + hours * 60 * minuteMs
const seeds = process.env.SEED === undefined ? [1, 2, 3] : [Number(process.env.SEED)]

let fair: Promise<Ended> | undefined
/** The same market, undisturbed. */
function undisturbed(): Promise<Ended> {
  fair ??= live(7, hours, calm)
  return fair
}

test('in a calm every slot answers every candle', async () => {
  const { ledger } = await undisturbed()
  assert.deepEqual(ledger.audit(), { unexplained: [], twice: [] })
  const reasons = new Set([...ledger.holes.values()].map(({ reason }) => reason))
  assert.deepEqual([...reasons], ['no_trades'], 'a quiet minute is the only thing it cannot answer')
  assert.ok(ledger.answers(from, to).size > 0.95 * 2 * 3 * hours * 60)
})

for (const seed of seeds) {
  test(`through storm ${seed} nothing is missing, nothing is there twice, and every answer is the calm one's`, async () => {
    const { ledger, kills, deaths } = await live(7, hours, {
      seed,
      outagesPerHour: 4,
      killsPerHour: 20,
      deathsPerHour: 1,
      commitMsMax: 80,
      answerMsMax: 60,
      failing: 0.05,
    })
    assert.ok(kills > 10, 'it was a storm')
    assert.deepEqual(
      ledger.audit(),
      { unexplained: [], twice: [] },
      `SEED=${seed}, ${deaths} deaths`,
    )
    assert.deepEqual(ledger.disagreed, [])
    const { ledger: expected } = await undisturbed()
    const [said, wanted] = [ledger.answers(from, to), expected.answers(from, to)]
    for (const [at, answer] of wanted) assert.equal(said.get(at), answer, `SEED=${seed}: ${at}`)
    assert.equal(said.size, wanted.size)
  })
}
