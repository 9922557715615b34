/**
 * The `postgres` package, with two mends made as it is loaded. In 3.4.9 a query that is sent to a connection which has
 * just closed (the `rollback` of a transaction that lost its server) writes to no socket: an exception in a timer, which
 * ends the process. And what had waited to be written when a connection closed stays in its way when it opens again.
 * The version is pinned, and each mend refuses to go on where it does not find its place.
 */
import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'

const mends: readonly (readonly [found: string, mended: string, times: number])[] = [
  [
    'if (terminated)\n      return queryError(',
    'if (terminated || socket === null)\n      return queryError(',
    1,
  ],
  [
    '\n    clearImmediate(nextWriteTimer)\n',
    '\n    clearImmediate(nextWriteTimer)\n    chunk = nextWriteTimer = null\n',
    2,
  ],
]

const hooks = registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    if (!url.endsWith('/postgres/src/connection.js')) return loaded
    return { ...loaded, source: mend(String(loaded.source)) }
  },
})

const { default: postgres } = await import('postgres')
hooks.deregister()

export { postgres }

function mend(source: string): string {
  return mends.reduce((text, [found, mended, times]) => {
    assert.equal(text.split(found).length - 1, times, `postgres has changed: look for ${found}`)
    return text.replaceAll(found, mended)
  }, source)
}
