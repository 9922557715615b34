/** The processes in which a daemon's models run, as Linux tells them; one may end at any time. */
import { readIfThere } from '../../../ops/store/read-if-there.ts'

export function inferenceChildren(daemon: number): readonly number[] {
  const children = readIfThere(`/proc/${daemon}/task/${daemon}/children`) ?? ''
  return children
    .split(' ')
    .filter((pid) => readIfThere(`/proc/${pid}/cmdline`)?.includes('inference/child.ts'))
    .map(Number)
}
