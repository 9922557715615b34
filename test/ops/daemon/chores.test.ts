import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type ChorePorts, keepHouse } from '../../../ops/daemon/chores.ts'
import { listen } from '../../../streams/channels.ts'
import { Fault } from '../../../streams/fault.ts'
import { hourMs } from '../../../streams/time.ts'
import { settled } from '../../support/actors/settled.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

function stage(t: TestContext, renew: () => Promise<void> = async () => {}) {
  const clock = new SimulatedClock()
  const did: string[] = []
  const said: string[] = []
  const path = temporaryFolder()
  t.after(() => rmSync(path, { recursive: true }))
  const ports = {
    clock,
    store: {
      prepareParts: async () => void did.push('parts'),
      sql: () => {
        throw new Fault('store.unavailable', 'gone', { retryable: true })
      },
    },
    lease: {
      renew: async () => {
        did.push('lease')
        await renew()
      },
    },
    log: { say: (level: string, event: string) => void said.push(`${level} ${event}`) },
    directory: { path, id: 'x' },
    keep: {},
    marketNow: () => 0,
    lost: (reason: string) => void said.push(`lost: ${reason}`),
  } as unknown as ChorePorts
  const stop = keepHouse(ports)
  t.after(stop)
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      clock.advance(1_000)
      await settled()
    }
  }
  return { did, said, pass, stop }
}

test('the lease is renewed three times while it lasts, parts are made every minute, the disk is looked at', async (t) => {
  const looked: boolean[] = []
  t.after(listen('disk.looked_at', ({ isLow }) => looked.push(isLow)))
  const { did, pass } = stage(t)
  await pass(60_000)
  assert.ok(did.filter((it) => it === 'lease').length >= 15)
  assert.equal(did.filter((it) => it === 'parts').length, 1)
  assert.ok(looked.length >= 10)
})

test('a lease that is lost ends the daemon, one that cannot be renewed for a moment does not', async (t) => {
  let fault = new Fault('store.unavailable', 'gone', { retryable: true })
  const { said, pass } = stage(t, () => Promise.reject(fault))
  await pass(4_000)
  assert.deepEqual(said, ['warn lease.unrenewed'])
  fault = new Fault('lease.lost', 'another has it')
  await pass(4_000)
  assert.equal(said.at(-1), 'lost: another has it')
})

test('a chore that fails is told and has its next turn all the same', async (t) => {
  const { said, did, pass } = stage(t)
  await pass(hourMs / 2 + 2_000)
  assert.equal(said.filter((it) => it === 'warn retention.failed').length, 2)
  assert.ok(did.filter((it) => it === 'parts').length >= 28)
})

test('nothing is done after the end', async (t) => {
  const { did, pass, stop } = stage(t)
  stop()
  await pass(60_000)
  assert.deepEqual(did, [])
})
