/** When it is: the hour and the weekday of the candle's opening, in UTC, each as a point on a circle. */
import { dayMs, hourMs } from '../../time.ts'
import { forModels, type MakeGroup } from '../feature.ts'

/** 1970-01-01 was a Thursday; Sunday is 0. */
const firstWeekday = 4

function circle(points: number, of: (angle: number) => number): Float64Array {
  return Float64Array.from({ length: points }, (_, i) => of((2 * Math.PI * i) / points))
}

const hourSin = circle(24, Math.sin)
const hourCos = circle(24, Math.cos)
const weekdaySin = circle(7, Math.sin)
const weekdayCos = circle(7, Math.cos)

export const calendar: MakeGroup = () => ({
  features: [
    forModels('hour_sin', 1, 'Sine of the hour of the opening (0 to 23, UTC) as a part of a turn.'),
    forModels('hour_cos', 1, 'Cosine of the same.'),
    forModels('weekday_sin', 1, 'Sine of the weekday (Sunday is 0, UTC) as a part of a turn.'),
    forModels('weekday_cos', 1, 'Cosine of the same.'),
    forModels('weekend', 1, '1 on Saturday and Sunday (UTC), else 0.'),
  ],
  run(_memory, { length: n, openAt }, rows, to, width) {
    let at = to
    for (let j = 0; j < n; j++, at += width) {
      const hour = Math.floor(openAt[j]! / hourMs) | 0
      const day = Math.floor(openAt[j]! / dayMs) | 0
      const weekday = (day + firstWeekday) % 7
      rows[at] = hourSin[hour - day * 24]!
      rows[at + 1] = hourCos[hour - day * 24]!
      rows[at + 2] = weekdaySin[weekday]!
      rows[at + 3] = weekdayCos[weekday]!
      rows[at + 4] = weekday === 0 || weekday === 6 ? 1 : 0
    }
  },
})
