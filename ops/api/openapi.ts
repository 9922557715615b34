/** The API's own description, generated from the schemas that its routes validate with. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { answers } from './answers.ts'

const route = createRoute({
  method: 'get',
  path: '/api/v1/openapi.json',
  summary: 'This description',
  responses: answers(z.record(z.string(), z.unknown()), 'OpenAPI 3.1'),
})

export function describeApi(app: OpenAPIHono, version: string): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    description: 'made on the first start and kept as `token` in the data directory',
  })
  let document: Readonly<Record<string, unknown>> | undefined
  app.openapi(route, (c) => {
    document ??= named(
      app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: 'Starling',
          version,
          description:
            'Times are ISO 8601 UTC with milliseconds in answers; queries take that or epoch milliseconds. ' +
            'A coin is written BTC/USDT in data and BTC-USDT in paths. ' +
            'Ranges are [from, to) on openAt; lists are newest first.',
          license: {
            name: 'Apache-2.0',
            url: 'https://www.apache.org/licenses/LICENSE-2.0',
          },
        },
        servers: [{ url: '/' }],
        // Reading may be open; what writes says for itself that it needs the token.
        security: [{}, { token: [] }],
      }),
    )
    return c.json(document, 200)
  })
}

type Document = ReturnType<OpenAPIHono['getOpenAPI31Document']>

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const

/** Every operation gets an id made from its method and path, for programs that generate a client. */
function named(document: Document): Readonly<Record<string, unknown>> {
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    const words = path.replace('/api/v1', '').split(/[^A-Za-z0-9]+/)
    const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')
    for (const method of methods) {
      const operation = item[method]
      if (operation) operation.operationId = method + name
    }
  }
  return { ...document }
}
