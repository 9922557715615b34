/** Errors as RFC 9457 problems with a stable `code`; where a `Fault` comes from below, its code becomes the problem's. */
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { Fault } from '../../streams/fault.ts'

export const problemSchema = z
  .strictObject({
    type: z.string().openapi({ example: 'urn:starling:problem:coin.unknown' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    code: z.string().openapi({ example: 'coin.unknown' }),
    detail: z.string(),
    instance: z.string().openapi({ description: 'the path that was asked for' }),
    errors: z
      .array(z.strictObject({ at: z.string(), message: z.string() }))
      .optional()
      .openapi({ description: 'each wrong value, where there are several' }),
  })
  .openapi('Problem')

export type Problem = z.infer<typeof problemSchema>

const titles: Readonly<Record<number, string>> = {
  400: 'The request is not as described',
  401: 'A token is needed',
  403: 'Refused',
  404: 'Not found',
  405: 'Not with this method',
  409: 'Not in this state',
  413: 'Too large',
  415: 'Not this media type',
  422: 'Refused for what it says',
  500: 'Something broke',
  503: 'Not now',
}

export function problem(
  c: Context,
  status: ContentfulStatusCode,
  code: string,
  detail: string,
  more: { readonly errors?: Problem['errors']; readonly headers?: Record<string, string> } = {},
): Response {
  const body: Problem = {
    type: `urn:starling:problem:${code}`,
    title: titles[status] ?? 'Error',
    status,
    code,
    detail,
    instance: new URL(c.req.url).pathname,
    ...(more.errors ? { errors: more.errors } : {}),
  }
  const headers = { 'content-type': 'application/problem+json', ...more.headers }
  return c.body(JSON.stringify(body), status, headers)
}

/** The answer to whatever a route threw; undefined where it is nobody's expected trouble. */
export function problemOf(c: Context, error: unknown): Response | undefined {
  if (error instanceof HTTPException) {
    const code = error.status === 400 ? 'request.malformed' : 'request.refused'
    return problem(c, error.status as ContentfulStatusCode, code, error.message)
  }
  if (!(error instanceof Fault)) return undefined
  const status = statusOf(error)
  const headers: Record<string, string> = status === 503 ? { 'retry-after': '1' } : {}
  return problem(c, status, error.code, error.message, { headers })
}

function statusOf(fault: Fault): ContentfulStatusCode {
  if (fault.retryable) return 503
  const last = fault.code.split('.').at(-1) ?? ''
  // A cursor may be any text by its description: of what no list has made, there is no page.
  if (/^(unknown|not_found|missing|cursor)$/.test(last)) return 404
  if (/^(exists|state|conflict|busy|paused|last)$/.test(last)) return 409
  if (/^(unlisted|unsupported|refused)$/.test(last)) return 422
  if (fault.code.startsWith('artifact.')) return 422
  if (/^(range|invalid)$/.test(last) || /^(query|request)\./.test(fault.code)) return 400
  return 500
}
