/** The API's own description, generated from the schemas that its routes validate with. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { answers } from './answers.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/openapi.json',
  summary: 'This description',
  responses: answers(z.looseObject({ openapi: z.string() }), 'OpenAPI 3.1'),
})

export function describeApi(app: OpenAPIHono, version: string): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    description: 'made on the first start and kept as `token` in the data directory',
  })
  let document: { openapi: string } | undefined
  app.openapi(route, (c) => {
    document ??= app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'Starling',
        version,
        description:
          'Times are ISO 8601 UTC with milliseconds in answers; queries take that or epoch milliseconds. A coin is written BTC/USDT in data and BTC-USDT in paths. Ranges are [from, to) on openAt; lists are newest first.',
        license: {
          name: 'Apache-2.0',
          url: 'https://www.apache.org/licenses/LICENSE-2.0',
        },
      },
      servers: [{ url: '/' }],
    })
    return c.json(document, 200)
  })
}
