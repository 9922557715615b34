/** Learning: asked of the running daemon and followed, or done here where none runs. A refusal is an answer. */
import { isTurn, isWaiting } from '../../../actors/training/run.ts'
import type { Verdict } from '../../../models/judging/verdict.ts'
import { isFamilyName } from '../../../models/version.ts'
import { Fault } from '../../../streams/fault.ts'
import { type Millis, wait } from '../../../streams/time.ts'
import type { TrainingRunBody } from '../../api/routes/training.ts'
import { type Call, type Command, misused, wholeNumber } from '../command.ts'
import { exitCodes } from '../exit.ts'
import { requireDaemon } from '../market.ts'
import { listing } from '../table.ts'
import type { TrainOptions } from '../world.ts'
import { coinOf } from './controls.ts'

const train: Command = {
  name: 'train',
  usage: '--coin C --family F [--rows N] [--trials N] [--seed N] [--warm-start] | --cancel RUN',
  summary: 'learn from what is stored: dataset, fit, evaluation, verdict, publication',
  options: {
    coin: { type: 'string', what: 'the coin' },
    family: { type: 'string', what: 'the family' },
    rows: { type: 'string', what: 'learn from at most so many rows; the family says by itself' },
    trials: { type: 'string', what: 'settings to try, 1 by itself' },
    seed: { type: 'string', what: 'of all chance in it, 1 by itself' },
    'warm-start': { type: 'boolean', what: 'begin with the weights of the version that serves' },
    cancel: { type: 'string', what: 'end this run instead' },
  },
  run: async (call) => {
    const cancelled = wholeNumber(train, call, 'cancel')
    if (cancelled !== undefined) return cancel(call, cancelled)
    const order = orderOf(call)
    const display = progressLine(call)
    const run = call.world.holder(call.dataPath)
      ? await followDaemon(call, order, display.show)
      : await call.world.daemon.train({
          ...order,
          config: call.config().config,
          dataPath: call.dataPath,
          heard: display.show,
        })
    display.end()
    const answer = answerOf(run)
    call.print(answer, () => answerText(run))
    return exitCodes.done
  },
}

type Order = Pick<TrainOptions, 'coin' | 'family' | 'rows' | 'trials' | 'seed' | 'warmStart'>

function orderOf(call: Call): Order {
  const coin = call.text('coin')
  const family = call.text('family')
  if (coin === undefined) throw misused(train, '--coin is missing')
  if (family === undefined) throw misused(train, '--family is missing')
  if (!isFamilyName(family)) throw misused(train, `${family} is no family name`)
  const positive = (name: string): number | undefined => {
    const value = wholeNumber(train, call, name)
    if (value === 0) throw misused(train, `--${name}: found 0, expected at least 1`)
    return value
  }
  return {
    coin: coinOf(train, coin),
    family,
    rows: positive('rows'),
    trials: positive('trials'),
    seed: wholeNumber(train, call, 'seed'),
    warmStart: call.flag('warm-start') || undefined,
  }
}

async function cancel(call: Call, run: number): Promise<number> {
  const body = call.world.holder(call.dataPath)
    ? await requireDaemon(call.world, call.dataPath).send('POST', `/api/v1/training/${run}/cancel`)
    : await call.world.daemon.cancelTraining({
        config: call.config().config,
        dataPath: call.dataPath,
        run,
      })
  const { state } = body as TrainingRunBody
  call.print({ run, state }, () => (state === 'cancelled' ? 'cancelled' : 'will be cancelled'))
  return exitCodes.done
}

const lookEveryMs: Millis = 300

async function followDaemon(
  call: Call,
  order: Order,
  heard: (run: TrainingRunBody) => void,
): Promise<TrainingRunBody> {
  const { world, dataPath } = call
  const daemon = requireDaemon(world, dataPath)
  let run = (await daemon.send('POST', '/api/v1/training', order)) as TrainingRunBody
  world.err.write(`run ${run.run} goes on in the daemon if this command ends\n`)
  while (run.endedAt === null) {
    heard(run)
    await wait(world.clock, lookEveryMs)
    run = (await daemon.get(`/api/v1/training/${run.run}`)) as TrainingRunBody
  }
  return run
}

/** Where nothing was judged there is no answer: that is a failure. */
function answerOf(run: TrainingRunBody): object {
  if (run.state === 'cancelled')
    throw new Fault('training.cancelled', `run ${run.run} was cancelled`)
  if (run.state === 'failed') {
    const what = `run ${run.run} failed: ${run.message} (${run.code})`
    // The log has the reason too, which has been said.
    const [reason, ...more] = `${run.code}: ${run.message}`.split('\n') as [string, ...string[]]
    const log = run.log
      .filter((line) => !line.endsWith(reason) && !more.includes(line))
      .slice(-10)
      .map((line) => `  ${line}`)
    throw new Fault('training.failed', [what, ...log].join('\n'))
  }
  const { reasons } = run.verdict as Verdict
  const { version, metrics, baseline } = run
  return { run: run.run, version, verdict: run.state, reasons, metrics, baseline }
}

function answerText(run: TrainingRunBody): string {
  const { reasons } = run.verdict as Verdict
  return listing([
    ['run', run.run],
    ['version', run.version],
    ['verdict', run.state],
    ...reasons.map(
      ({ code, passed, detail }) => [code, `${passed ? 'yes' : 'no'}: ${detail}`] as const,
    ),
  ])
}

interface ProgressLine {
  readonly show: (run: TrainingRunBody) => void
  readonly end: () => void
}

/** A line that is written over where somebody looks at it, else a line for each new step and each wait. */
function progressLine({ world: { err } }: Call): ProgressLine {
  let shown = ''
  return {
    show: (run) => {
      const text = progressText(run)
      const news = isAtWork(run) ? run.step : text
      if (err.isTerminal) err.write(`\r\u001b[2K${text.slice(0, err.columns() - 1)}`)
      else if (news !== shown && news !== null) err.write(`${news}\n`)
      shown = news ?? shown
    },
    end: () => {
      if (err.isTerminal && shown !== '') err.write('\r\u001b[2K')
    },
  }
}

type Shown = Pick<TrainingRunBody, 'state' | 'step' | 'progress'>

function isAtWork({ state, progress }: Shown): boolean {
  return state !== 'queued' && !isWaiting(progress)
}

const barWidth = 20

/** `fit ████░░░░ epoch 12 of 40, loss 0.9871, 14 s left`. */
export function progressText(run: Shown): string {
  if (run.state === 'queued') return 'waiting for its turn'
  const { step, progress } = run
  if (isWaiting(progress)) return `${step} waits for another training on this machine`
  if (progress === null || isTurn(progress)) return step ?? 'begins'
  const { part, done, of, loss, secondsLeft } = progress
  const full = Math.round((of > 0 ? Math.min(1, done / of) : 0) * barWidth)
  const words = [
    `${part} ${done} of ${of}`,
    loss === null ? '' : `loss ${loss.toPrecision(4)}`,
    secondsLeft === null ? '' : `${Math.ceil(secondsLeft)} s left`,
  ]
  return `${step} ${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${words.filter(Boolean).join(', ')}`
}

export const trainCommands: readonly Command[] = [train]
