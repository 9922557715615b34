/** How a route declares what it answers: one body when all is well, a problem otherwise. */
import type { z } from '@hono/zod-openapi'
import { problemSchema } from './problem.ts'

const problemAnswer = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problemSchema } },
})

export function answers<T extends z.ZodType>(schema: T, description: string) {
  return {
    200: { description, content: { 'application/json': { schema } } },
    400: problemAnswer('a value is not as described'),
    403: problemAnswer('a host or origin that is not allowed'),
    default: problemAnswer('anything else that went wrong, with its code'),
  }
}

/** For what needs the token. */
export function guardedAnswers<T extends z.ZodType>(schema: T, description: string) {
  return {
    ...answers(schema, description),
    401: problemAnswer('the token is missing or wrong'),
    404: problemAnswer('there is no such thing'),
    409: problemAnswer('not in the state that it is in'),
    415: problemAnswer('the body is not JSON'),
  }
}

export const withToken = [{ token: [] }]
