/** A trainer that does not do what it should: `node bad-trainer.ts HOW REQUEST.json`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TrainRequest } from '../../../models/training/request.ts'
import type { Misbehaviour } from './trainers.ts'

const [how, path = ''] = process.argv.slice(2) as [Misbehaviour, string]
const { out } = JSON.parse(readFileSync(path, 'utf8')) as TrainRequest
const say = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`)

say({ type: 'started', trainer: 'bad', device: 'cpu' })
switch (how) {
  case 'crash':
    process.stderr.write('the reason why\n')
    process.exit(3)
    break
  case 'hang':
    for (;;);
  case 'stay':
    process.on('SIGTERM', () => say({ type: 'warning', text: 'not yet' }))
    setInterval(
      () => say({ type: 'progress', part: 'round', done: 1, of: 2, loss: null, secondsLeft: null }),
      20,
    )
    break
  case 'grow': {
    const kept: Buffer[] = []
    setInterval(() => {
      say({ type: 'progress', part: 'round', done: 1, of: 2, loss: null, secondsLeft: null })
      // To a gibibyte: whoever is to notice may be kept from looking for seconds.
      if (kept.length < 16) kept.push(Buffer.alloc(64 * 2 ** 20, 1))
    }, 20)
    break
  }
  case 'half':
    writeFileSync(join(out, 'model.onnx'), 'half a model')
    say({ type: 'done' })
    break
  case 'garbage':
    process.stdout.write(`${'x'.repeat(100_000)}\n{"type":"nothing"}\n{not json\n`)
    process.exit(0)
    break
  case 'not_finite':
    say({ type: 'failed', code: 'model.not_finite', message: 'the loss is NaN' })
    process.exit(1)
}
