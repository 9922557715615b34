import assert from 'node:assert/strict'
import { test } from 'node:test'
import { laneOverfitting } from '../../../models/scores/lane.ts'
import { emptyDay, type ScoreSums } from '../../../models/scores/sums.ts'
import { randomFrom } from '../../../streams/random.ts'
import { dayMs } from '../../../streams/time.ts'

function trading(profits: readonly number[], from = 0): readonly ScoreSums[] {
  const confusion = [
    [1, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]
  return profits.map((profitSum, i) => {
    return { ...emptyDay((from + i) * dayMs), n: 1, confusion, profitSum }
  })
}

const random = randomFrom('lane')
const noise = (mean: number): readonly number[] =>
  Array.from({ length: 60 }, () => mean + random.normal())

test('a version that is better on all days is no luck, and the best of many alike is', () => {
  const skilled = [trading(noise(1.5)), ...Array.from({ length: 6 }, () => trading(noise(0)))]
  assert.equal(laneOverfitting(skilled), 0)
  const lucky = Array.from({ length: 40 }, () =>
    laneOverfitting(Array.from({ length: 7 }, () => trading(noise(0)))),
  )
  const mean = lucky.reduce<number>((sum, it) => sum + (it ?? 0), 0) / lucky.length
  assert.ok(mean > 0.35 && mean < 0.65, `${mean}`)
})

test('it is not told of one version, of few shared days, or of values without a direction', () => {
  assert.equal(laneOverfitting([trading(noise(0))]), null)
  assert.equal(laneOverfitting([trading(noise(0)), trading(noise(0), 50)]), null)
  const values = noise(0).map((_, i) => ({ ...emptyDay(i * dayMs), n: 1 }))
  assert.equal(laneOverfitting([values, values]), null)
  assert.equal(laneOverfitting([]), null)
})
