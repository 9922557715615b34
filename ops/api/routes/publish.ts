/** What may be asked of versions: publish one, move a lane to one, go back, look at the registry now. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { type Version, versionName } from '../../../models/version.ts'
import { Fault } from '../../../streams/fault.ts'
import type { Swap } from '../../../supervisor/fleet/lane-journal.ts'
import { guardedAnswers, withToken } from '../answers.ts'
import type { ApiDeps } from '../deps.ts'
import { coinInPath, coinInQuery, coinText, family } from '../fields.ts'
import { requireJson, requireToken } from '../guard.ts'
import { unzip } from '../unzip.ts'
import { swapBody, swapSchema } from './versions.ts'

const noReason = 'asked for over the API'

const versionFields = {
  coin: coinText,
  family: z.string(),
  version: z.int(),
  sha256: z.string(),
  state: z.string(),
}

const publishedSchema = z
  .strictObject({
    ...versionFields,
    also: z
      .array(z.strictObject(versionFields))
      .openapi({ description: 'the lanes of further coins that it has entered' }),
  })
  .openapi('Published')

// Not `extend`: the schema it is written down as would be a swap that has no further properties, and one more property.
const orderedSchema = z
  .strictObject({ ...swapSchema.shape, swap: z.string() })
  .openapi('OrderedSwap')

const params = z.strictObject({ coin: coinInPath, family })

export function publishRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  const token = requireToken(deps.access)
  publishing(app, deps, token)
  swapping(app, deps, token)
  goingBack(app, deps, token)
  refreshing(app, deps, token)
}

type Guard = ReturnType<typeof requireToken>

function publishing(app: OpenAPIHono, deps: ApiDeps, token: Guard): void {
  const route = createRoute({
    method: 'post',
    path: '/api/v1/models',
    summary: 'Publish a model artifact',
    description:
      'The files of an artifact folder as `multipart/form-data`, each with its path as file name, or one zip of them.',
    security: withToken,
    middleware: [token],
    request: {
      query: z.strictObject({
        coin: coinInQuery.optional(),
        activate: z.enum(['true', 'false']).optional(),
      }),
      // Told only: what is sent is read as it comes.
      body: {
        required: true,
        content: { 'application/zip': { schema: z.string().openapi({ format: 'binary' }) } },
      },
    },
    responses: answersWith(201, publishedSchema, 'the version that it is now'),
  })
  app.openapi(route, async (c) => {
    const { coin = null, activate } = c.req.valid('query')
    const files = folderOf(await filesOf(c))
    const made = await deps.versions.publish(files, { coin, activate: activate === 'true' })
    const [first, ...also] = await Promise.all(made.map((version) => describe(deps, version)))
    if (!first) throw new Fault('coin.unknown', 'no coin is followed that it could be for')
    return c.json({ ...first, also }, 201)
  })
}

function swapping(app: OpenAPIHono, deps: ApiDeps, token: Guard): void {
  const route = createRoute({
    method: 'post',
    path: '/api/v1/lanes/{coin}/{family}/swap',
    summary: 'Move a lane to a version',
    security: withToken,
    middleware: [token, requireJson],
    request: {
      params,
      body: {
        required: true,
        content: {
          'application/json': {
            schema: z
              .strictObject({ version: z.int().min(1).max(2_147_483_647) })
              .openapi('SwapTo'),
          },
        },
      },
    },
    responses: answersWith(202, orderedSchema, 'the swap, which is under way or waits'),
  })
  app.openapi(route, async (c) => {
    const version = { ...c.req.valid('param'), ...c.req.valid('json') }
    const [model] = await deps.reads.models(version)
    if (!model) throw new Fault('model.unknown', `there is no ${versionName(version)}`)
    return c.json(ordered(await deps.versions.swap(version)), 202)
  })
}

function goingBack(app: OpenAPIHono, { versions }: ApiDeps, token: Guard): void {
  const route = createRoute({
    method: 'post',
    path: '/api/v1/lanes/{coin}/{family}/rollback',
    summary: 'Go one step back',
    security: withToken,
    middleware: [token, requireJson],
    request: {
      params,
      body: {
        content: {
          'application/json': {
            schema: z
              .strictObject({ reason: z.string().trim().min(1).max(500).optional() })
              .openapi('RollbackReason'),
          },
        },
      },
    },
    responses: answersWith(202, orderedSchema, 'the rollback'),
  })
  app.openapi(route, async (c) => {
    const reason = c.req.valid('json').reason ?? noReason
    return c.json(ordered(await versions.rollback(c.req.valid('param'), reason)), 202)
  })
}

function refreshing(app: OpenAPIHono, { versions }: ApiDeps, token: Guard): void {
  const route = createRoute({
    method: 'post',
    path: '/api/v1/registry/refresh',
    summary: 'Look at the registry now',
    security: withToken,
    middleware: [token, requireJson],
    responses: guardedAnswers(
      z.strictObject({ announced: z.int() }).openapi('Refreshed'),
      'in how many lanes the registry wants something new',
    ),
  })
  app.openapi(route, async (c) => c.json({ ...(await versions.refresh()) }, 200))
}

/** The same troubles with another answer than 200. */
function answersWith<S extends 201 | 202, T extends z.ZodType>(
  status: S,
  schema: T,
  description: string,
) {
  const { 200: answer, ...troubles } = guardedAnswers(schema, description)
  return { [status]: answer, ...troubles } as { [K in S]: typeof answer } & typeof troubles
}

function ordered(swap: Swap): z.infer<typeof orderedSchema> {
  return { ...swapBody(swap), swap: String(swap.id) }
}

async function describe({ reads }: ApiDeps, version: Version) {
  const [model] = await reads.models(version)
  const { coin, family: of, version: number } = version
  return {
    coin,
    family: of,
    version: number,
    sha256: model?.sha256 ?? '',
    state: model?.state ?? 'announced',
  }
}

async function filesOf(c: Context): Promise<ReadonlyMap<string, Uint8Array>> {
  const type = c.req.header('content-type') ?? ''
  if (/^multipart\/form-data/i.test(type)) {
    const files = new Map<string, Uint8Array>()
    const form = await c.req.formData().catch((cause: unknown) => {
      throw new Fault('request.malformed', 'this is no multipart body', { cause })
    })
    for (const [, part] of form)
      if (part instanceof File) files.set(part.name, new Uint8Array(await part.arrayBuffer()))
    return files
  }
  if (/^application\/(zip|x-zip-compressed|octet-stream)/i.test(type))
    return unzip(new Uint8Array(await c.req.arrayBuffer()))
  throw new Fault('request.invalid', 'send multipart/form-data or application/zip')
}

/** An archive may hold the folder rather than its files: names count from where the one manifest is. */
function folderOf(files: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  const folders = [...files.keys()]
    .filter((name) => /(^|\/)manifest\.json$/.test(name))
    .map((name) => name.slice(0, -'manifest.json'.length))
  // What an artifact has within itself is its own.
  const roots = folders.filter(
    (it) => !folders.some((other) => other !== it && it.startsWith(other)),
  )
  const [prefix = '', ...others] = roots.sort()
  if (others.length > 0)
    throw new Fault(
      'request.invalid',
      `there are ${roots.length} artifacts in it, send one: ${roots.join(', ')}`,
    )
  return new Map(
    [...files]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, bytes]) => [name.slice(prefix.length), bytes]),
  )
}
