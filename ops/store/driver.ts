/**
 * postgres.js, mended while it is loaded: 3.4.9 does not outlive a server that dies under load, and this daemon has to.
 * What is left over of a connection that closed is taken for the next one's: a write that was waiting (porsager/postgres
 * #1066, #1154, #1208, #1209), the question under way and those behind it, with whose answers the next ones are then
 * confused, and the rows of half an answer; an end that waits for one of them never comes. And a transaction that lost
 * its connection goes on with whatever that has become: another's transaction, or a closed socket, whose error ends the
 * process from a timer that nobody can catch.
 *
 * The text is changed rather than a copy kept, so an update of the package that has mended it, or looks otherwise,
 * fails here at the first start and not in the night.
 */
import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'

interface Mend {
  readonly find: string
  readonly put: string
  readonly times: number
}

const mends: Readonly<Record<string, readonly Mend[]>> = {
  'connection.js': [
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
    {
      find:
        '    if (initial)\n      return reconnect()\n\n' +
        "    !hadError && (query || sent.length) && error(Errors.connection('CONNECTION_CLOSED', options, socket))\n",
      put:
        "    if (!initial && (query || sent.length))\n      error(Errors.connection('CONNECTION_CLOSED', options, socket))\n\n" +
        '    query = results = errorResponse = null\n    result = new Result()\n    rows = 0\n\n' +
        '    if (initial)\n      return reconnect()\n\n    ended && (ended(), ending = ended = null)\n',
      times: 1,
    },
  ],
  'index.js': [
    {
      find: '      , connection\n      , prepare = null\n',
      put: '      , connection\n      , prepare = null\n      , lost = null\n',
      times: 1,
    },
    {
      find: 'connection.onclose = reject)',
      put:
        'connection.onclose = e => {\n          lost = e\n' +
        '          while (queries.length)\n            queries.shift().reject(e)\n          reject(e)\n        })',
      times: 1,
    },
    {
      find: '        q.catch(e => uncaughtError || (uncaughtError = e))\n',
      put: '        q.catch(e => uncaughtError || (uncaughtError = e))\n        if (lost)\n          return q.reject(lost)\n\n',
      times: 1,
    },
  ],
}

const hooks = registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context)
    const by = mends[/\/postgres\/src\/([a-z]+\.js)$/.exec(url)?.[1] ?? '']
    return by === undefined ? loaded : { ...loaded, source: mended(String(loaded.source), by) }
  },
})
export const { default: postgres } = await import('postgres')
hooks.deregister()

function mended(source: string, by: readonly Mend[]): string {
  let text = source
  for (const { find, put, times } of by) {
    assert.equal(
      text.split(find).length - 1,
      times,
      'postgres.js is not the one that is mended here',
    )
    text = text.replaceAll(find, put)
  }
  return text
}
