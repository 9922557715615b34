/** A world of plain data for commands to run in; what they write and do is kept. */
import { VirtualTimeScheduler } from 'rxjs'
import { createApp } from '../../../ops/api/app.ts'
import { runBody } from '../../../ops/api/routes/training.ts'
import { runCli } from '../../../ops/cli/cli.ts'
import type { Probes } from '../../../ops/cli/probes.ts'
import type { World } from '../../../ops/cli/world.ts'
import type { Output } from '../../../ops/telemetry/terminal.ts'
import { Fault } from '../../../streams/fault.ts'
import { run, stubDeps, stubReads, token } from '../api/stub.ts'

export interface Said extends Output {
  readonly text: () => string
}

export function said(isTerminal = false, columns = 80): Said {
  const texts: string[] = []
  return {
    isTerminal,
    columns: () => columns,
    write: (text) => void texts.push(text),
    text: () => texts.join(''),
  }
}

export const address = 'http://127.0.0.1:8080'

/** Every probe finds what it hopes for. */
export const healthy: Probes = {
  nodeVersion: '24.21.0',
  missingPackages: () => [],
  canListen: async () => true,
  freeBytes: () => 100 * 1024 ** 3,
  cannotWrite: () => undefined,
  ownDatabase: () => ({ version: '18.4.0' }),
  versionOf: () => 'Python 3.11.7',
  canConnect: async () => true,
  dateAt: async () => 0,
  now: () => 500,
}

/** A daemon is running unless `holder` says otherwise; it is asked without a port. */
export function stubWorld(more: Partial<World> = {}): World {
  const deps = stubDeps()
  const app = createApp(deps)
  const nothing = async (): Promise<object> => ({})
  return {
    out: said(),
    err: said(),
    env: {},
    clock: new VirtualTimeScheduler(),
    version: '0.1.0',
    holder: () => ({ pid: 7, address }),
    token: () => token,
    fetch: async (input, init) => app.request(String(input), init),
    readFolder: async () => new Map([['manifest.json', new Uint8Array([123, 125])]]),
    terminate: () => {},
    openMarket: async () => ({
      source: 'tape',
      reads: stubReads,
      versions: deps.versions,
      close: async () => {},
    }),
    probes: healthy,
    daemon: {
      run: async () => 0,
      replay: nothing,
      importFile: async () => ({ rows: 3, missing: 2 }),
      backfill: nothing,
      exportTable: nothing,
      dataset: nothing,
      backup: nothing,
      restore: nothing,
      train: async () => runBody(run),
      evaluate: () => Promise.reject(new Fault('store.absent', 'nothing is stored')),
      cancelTraining: async () => runBody({ ...run, state: 'cancelled' }),
    },
    ...more,
  }
}

export async function starling(line: string, more: Partial<World> = {}) {
  const out = said(more.out?.isTerminal)
  const err = said(more.err?.isTerminal)
  const code = await runCli(line.split(' ').filter(Boolean), stubWorld({ ...more, out, err }))
  return { code, out: out.text(), err: err.text() }
}
