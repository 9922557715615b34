import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Subject } from 'rxjs'
import { CoinLine } from '../../../actors/coin/coin-line.ts'
import { keeper, type Standing } from '../../../actors/coin/keeper.ts'
import type { LedgerEntry } from '../../../actors/ledger.ts'
import type { SinkCommand } from '../../../actors/sink.ts'
import type { Pointer } from '../../../models/version.ts'
import { minuteMs } from '../../../streams/time.ts'
import { MemoryLedger } from '../../support/actors/memory-ledger.ts'
import { inbox, probe } from '../../support/actors/probe.ts'
import { btc, madeCandles } from '../../support/candles.ts'

const from = Date.UTC(2026, 0, 1)

async function stand(standing: Record<number, Standing>, pointers: readonly Partial<Pointer>[]) {
  const ledger = new MemoryLedger()
  await ledger.writeHistory(madeCandles({ from, count: 10 }))
  const line = new CoinLine(btc, minuteMs, 1, 16)
  line.committedTo = from + 10 * minuteMs
  const box = inbox<SinkCommand>()
  const changes$ = new Subject<unknown>()
  const spec = keeper({
    line,
    reader: ledger,
    sink: box,
    pointers: () =>
      pointers.map((it) => ({
        coin: btc,
        family: 'linear',
        version: 1,
        slot: 'v1',
        from,
        until: null,
        ...it,
      })),
    standing: ({ version }) => standing[version] ?? 'present',
    changes$,
  })
  type Message = Parameters<typeof spec.receive>[1]
  const { self, told, piped } = probe<Message>('starling/market/group-0/BTC-USDT/keeper')
  let state = await spec.start(self)
  const settle = async (): Promise<void> => {
    do {
      await piped()
      while (told.length > 0) {
        const message = told.shift() as Message
        state = await spec.receive(state, message, self)
      }
      await piped()
    } while (told.length > 0)
  }
  const holes = (): string[] =>
    box.taken
      .flatMap((command) => (command.type === 'write' ? command.entries : []))
      .filter((it): it is Extract<LedgerEntry, { type: 'hole' }> => it.type === 'hole')
      .map(({ hole }) => `${hole.slot} ${(hole.openAt - from) / minuteMs} ${hole.reason}`)
  return { ledger, line, box, changes$, settle, holes }
}

test('a version that is present answers for itself: nothing is written', async () => {
  const { changes$, settle, holes, ledger } = await stand({}, [{}])
  changes$.next('moved')
  await settle()
  assert.deepEqual(holes(), [])
  assert.equal(ledger.questions.length, 0)
})

test('each candle that a paused or quarantined version left has a hole in each slot it held then', async () => {
  const { changes$, settle, holes, ledger } = await stand({ 1: 'paused', 2: 'quarantined' }, [
    { version: 1, slot: 'v1' },
    { version: 2, slot: 'v2', from: from + 8 * minuteMs },
    { version: 2, slot: 'v3', from: from + 9 * minuteMs },
  ])
  ledger.answerUnanswered = ({ version }) =>
    version === 1 ? [from + 4 * minuteMs] : [8, 9].map((i) => from + i * minuteMs)
  changes$.next('moved')
  await settle()
  assert.deepEqual(holes(), [
    'v1 4 paused',
    'v2 8 quarantined',
    'v2 9 quarantined',
    'v3 9 quarantined',
  ])
})

test('what has been written is not asked for again, and a version that came back begins anew', async () => {
  const standing: Record<number, Standing> = { 1: 'paused' }
  const { changes$, line, settle, ledger } = await stand(standing, [{}])
  changes$.next('paused')
  await settle()
  line.committedTo += minuteMs
  line.committed$.next(line.committedTo)
  await settle()
  assert.deepEqual(
    ledger.questions.map(([, since]) => since),
    [0, from + 10 * minuteMs],
  )
  standing[1] = 'present'
  changes$.next('resumed')
  await settle()
  standing[1] = 'paused'
  changes$.next('paused')
  await settle()
  assert.equal(ledger.questions.at(-1)?.[1], 0)
})

test('holes that a full sink did not take are written at the next look', async () => {
  const { changes$, box, settle, holes } = await stand({ 1: 'paused' }, [{}])
  box.isFull = true
  changes$.next('paused')
  await settle()
  assert.deepEqual(holes(), [])
  box.isFull = false
  changes$.next('again')
  await settle()
  assert.equal(holes().length, 10)
})
