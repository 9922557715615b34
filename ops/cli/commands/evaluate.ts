/** Champion and challenger, for people and for pull requests. */
import { isFamilyName } from '../../../models/version.ts'
import { type Call, type Command, misused, wholeNumber } from '../command.ts'
import { exitCodes } from '../exit.ts'
import { coinOf } from './controls.ts'
import { long, rangeOf, rangeOptions } from './history.ts'

/** Of the newest candles. */
const daysDefault = 30

const evaluate: Command = {
  name: 'evaluate',
  usage: [
    '--coin C --family F [--version N] [--against M] [--days N] [--from T] [--to T] [--ledger]',
    '| --coin C --family F --source tape --artifact DIR [--champion DIR]',
  ].join(' '),
  summary:
    'champion and challenger on the same candles; exit 1 when worse, or when it cannot be told',
  options: {
    coin: { type: 'string', what: 'the coin' },
    family: { type: 'string', what: 'the family' },
    version: { type: 'string', what: 'the challenger; by itself the newest version' },
    against: { type: 'string', what: 'the champion; by itself who answers for the lane' },
    days: { type: 'string', what: `the newest so many, ${daysDefault} by itself` },
    ...rangeOptions,
    ledger: { type: 'boolean', what: 'on what both have said already, instead of running them' },
    artifact: { type: 'string', what: 'a folder as the challenger, on a tape and without a store' },
    champion: { type: 'string', what: 'a folder as its champion' },
  },
  run: async (call) => {
    const options = orderOf(call)
    const report = await long(call, 'comparing', (progress) =>
      call.world.daemon.evaluate({ ...options, progress }),
    )
    call.print(report, () => report.markdown)
    return report.standing === 'not_worse' ? exitCodes.done : exitCodes.failed
  },
}

function orderOf(call: Call) {
  const [coin, family] = [call.text('coin'), call.text('family')]
  if (coin === undefined) throw misused(evaluate, '--coin is missing')
  if (family === undefined) throw misused(evaluate, '--family is missing')
  if (!isFamilyName(family)) throw misused(evaluate, `${family} is no family name`)
  const [artifact, champion] = [call.text('artifact'), call.text('champion')]
  if (champion !== undefined && artifact === undefined)
    throw misused(evaluate, '--champion needs --artifact')
  const days = wholeNumber(evaluate, call, 'days') ?? daysDefault
  if (days === 0) throw misused(evaluate, '--days: found 0, expected at least 1')
  return {
    config: call.config().config,
    dataPath: call.dataPath,
    coin: coinOf(evaluate, coin),
    family,
    version: wholeNumber(evaluate, call, 'version'),
    against: wholeNumber(evaluate, call, 'against'),
    days,
    ...rangeOf(evaluate, call),
    ledger: call.flag('ledger'),
    ...(artifact === undefined ? {} : { artifact }),
    ...(champion === undefined ? {} : { champion }),
  }
}

export const evaluateCommands: readonly Command[] = [evaluate]
