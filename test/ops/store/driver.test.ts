import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgres } from '../../../ops/store/driver.ts'
import { clusterUser } from '../../../ops/store/embedded/cluster.ts'
import { startOwnServer } from '../../support/store/database.ts'

const lostCodes = new Set(['CONNECTION_CLOSED', 'ECONNRESET', 'EPIPE', '57P01'])
const isLost = ({ code }: { code?: string }): boolean => lostCodes.has(code ?? '')

test('connections that are lost, whatever they were at', async (t) => {
  const server = await startOwnServer()
  const open = (max: number) =>
    postgres({
      path: server.socket,
      database: 'postgres',
      user: clusterUser,
      max,
      onnotice: () => {},
    })
  const killer = open(1)
  t.after(() => killer.end())
  await killer`create table note (text text primary key)`
  const kill = (pid: number) => killer`select pg_terminate_backend(${pid}, 10000)`
  const pidOf = async (sql: ReturnType<typeof open>): Promise<number> => {
    const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
    return row?.pid as number
  }

  await t.test(
    'in a transaction that stands still: it sends nothing more, and the pool can be ended',
    async () => {
      const sql = open(1)
      const pid = await pidOf(sql)
      const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      let late: Promise<unknown> | undefined
      const over = assert.rejects(
        sql.begin(async (tx) => {
          await tx`insert into note values ('of the lost transaction')`
          begun.resolve()
          await goOn.promise
          late = assert.rejects(tx`insert into note values ('too late')`, isLost)
          await late
        }),
        isLost,
      )
      await begun.promise
      await kill(pid)
      await over
      // Its connection is another's now, in the middle of that one's transaction.
      await sql.begin(async (tx) => {
        await tx`insert into note values ('of the next')`
        goOn.resolve()
        await tx`select 1`
        await late
        await tx`insert into note values ('of the next too')`
      })
      assert.deepEqual(
        (await sql`select text from note order by text`).map(({ text }) => text),
        ['of the next', 'of the next too'],
      )
      await sql.end()
    },
  )

  await t.test(
    'in the middle of an answer: the next answers are whole, and to their own questions',
    async () => {
      const sql = open(1)
      const pid = await pidOf(sql)
      const rows = Promise.withResolvers<void>()
      const half = assert.rejects(
        sql`select n, repeat('x', 1000) as x from generate_series(1, 1000000) n`.forEach(() => {
          rows.resolve()
        }),
        isLost,
      )
      const behind = [sql`select 1 as n`, sql`select 2 as n`].map((it) =>
        assert.rejects(it, isLost),
      )
      await rows.promise
      await kill(pid)
      await Promise.all([half, ...behind])
      for (const n of [3, 4, 5])
        assert.deepEqual([...(await sql<{ n: number }[]>`select ${n}::int as n`)], [{ n }])
      await sql.end()
    },
  )

  await t.test(
    'while the next statement is on its way, which a reset answers: the pool can be ended',
    async () => {
      for (let round = 0; round < 20; round++) {
        const sql = open(1)
        const pid = await pidOf(sql)
        const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
        const over = sql
          .begin(async (tx) => {
            await tx`select 1`
            begun.resolve()
            await goOn.promise
          })
          .catch((error) => assert.ok(isLost(error), error))
        await begun.promise
        await killer`select pg_terminate_backend(${pid})`
        goOn.resolve()
        await over
        await sql.end()
      }
    },
  )
})
