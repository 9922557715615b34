/**
 * postgres.js, mended while it is loaded. In 3.4.9 a query sent on a connection that has just closed, as the rollback of
 * a transaction is, is written to no socket and ends the whole process from a timer that nobody can catch; and a write
 * that was waiting when its connection closed leaves that connection unable to send ever again (porsager/postgres #1066,
 * #1154, #1208, #1209). A server that dies under load is something this daemon has to outlive.
 *
 * The text is changed rather than a copy kept, so an update of the package that has mended it, or looks otherwise,
 * fails here at the first start and not in the night.
 */
import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'

const mends: readonly { readonly find: string; readonly put: string; readonly times: number }[] = [
  {
    // Answered with true: false would count the closed connection among the busy ones for good.
    find: '    if (q.cancelled)\n      return\n',
    put:
      '    if (q.cancelled)\n      return\n\n' +
      "    if (socket === null) {\n      queryError(q, Errors.connection('CONNECTION_CLOSED', options))\n      return true\n    }\n",
    times: 1,
  },
  {
    find: '    clearImmediate(nextWriteTimer)\n',
    put: '    clearImmediate(nextWriteTimer)\n    chunk = nextWriteTimer = null\n',
    times: 2,
  },
]

const hooks = registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context)
    if (!url.endsWith('/postgres/src/connection.js')) return loaded
    return { ...loaded, source: mended(String(loaded.source)) }
  },
})
export const { default: postgres } = await import('postgres')
hooks.deregister()

function mended(source: string): string {
  let text = source
  for (const { find, put, times } of mends) {
    assert.equal(
      text.split(find).length - 1,
      times,
      'postgres.js is not the one that is mended here',
    )
    text = text.replaceAll(find, put)
  }
  return text
}
