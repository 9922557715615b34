/**
 * Who may ask. Names other than loopback's and the configured ones are refused, which keeps web pages elsewhere (and
 * names of theirs that point here) from reading along; what changes state needs the token; bodies are bounded.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Access } from './deps.ts'
import { problem } from './problem.ts'

const loopback: readonly string[] = ['localhost', '127.0.0.1', '[::1]']
const bodyBytesMax = 8 * 1024 * 1024

export function checkHost(access: Access): MiddlewareHandler {
  const allowed = new Set([...loopback, ...access.allowedHosts].map((name) => name.toLowerCase()))
  const isAllowed = (host: string): boolean => {
    const name = host.toLowerCase()
    return allowed.has(name) || allowed.has(name.replace(/:\d+$/, ''))
  }
  return async function host(c, next) {
    const asked = c.req.header('host') ?? new URL(c.req.url).host
    if (!isAllowed(asked)) {
      return problem(c, 403, 'access.host', `${asked} is not in api.allowedHosts`)
    }
    const origin = c.req.header('origin')
    if (origin !== undefined && !isAllowed(hostOf(origin))) {
      return problem(c, 403, 'access.origin', `${origin} is not in api.allowedHosts`)
    }
    await next()
  }
}

/** `null`, which sandboxed pages send, is no host and stays refused. */
function hostOf(origin: string): string {
  return origin.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
}

export function requireToken(access: Access): MiddlewareHandler {
  const expected = digest(access.token)
  return async function token(c, next) {
    const given = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
    // Digests have one length, so the comparison takes as long for every wrong token.
    if (given === undefined || !timingSafeEqual(digest(given), expected)) {
      const detail =
        'send Authorization: Bearer with the token, kept as `token` in the data directory'
      const headers = { 'www-authenticate': 'Bearer' }
      return problem(c, 401, 'access.token', detail, { headers })
    }
    await next()
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

export const limitBody: MiddlewareHandler = bodyLimit({
  maxSize: bodyBytesMax,
  onError: (c) => problem(c, 413, 'request.too_large', 'a body may have 8 MiB'),
})

/** A body that is no JSON is refused by its type, so that a form of another site can never pass for one. */
export const requireJson: MiddlewareHandler = async function json(c, next) {
  const type = c.req.header('content-type')
  const hasLength = Number(c.req.header('content-length') ?? 0) > 0
  const hasBody = type !== undefined || hasLength || c.req.header('transfer-encoding') !== undefined
  if (hasBody && !/^application\/json\s*(;|$)/i.test(type ?? '')) {
    const found = type ?? 'no content type'
    return problem(c, 415, 'request.media_type', `application/json is wanted, ${found} was sent`)
  }
  await next()
}
