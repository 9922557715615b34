/** The supervision tree as it stands: who lives, in which life, and what became of the others. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { TreeNode } from '../../../supervisor/tree/spec.ts'
import { answers } from '../answers.ts'
import type { ApiDeps } from '../deps.ts'
import { instant, isoOrNull } from '../fields.ts'

export interface TreeBody {
  name: string
  path: string
  kind: string
  state: TreeNode['state']
  epoch: number
  restarts: number
  mailbox: number
  dropped: number
  lastProgressAt: string | null
  reason: string | null
  children: TreeBody[]
}

const nodeSchema: z.ZodType<TreeBody> = z
  .strictObject({
    name: z.string(),
    path: z.string(),
    kind: z.string(),
    state: z.enum([
      'starting',
      'running',
      'draining',
      'waiting',
      'quarantined',
      'paused',
      'stopped',
    ]),
    epoch: z.number(),
    restarts: z.int(),
    mailbox: z.int(),
    dropped: z.int(),
    lastProgressAt: instant.nullable(),
    reason: z.string().nullable(),
    children: z
      .lazy(() => nodeSchema.array())
      .openapi({ type: 'array', items: { $ref: '#/components/schemas/TreeNode' } }),
  })
  .openapi('TreeNode')

const route = createRoute({
  method: 'get',
  path: '/api/v1/tree',
  summary: 'The supervision tree',
  responses: answers(nodeSchema, 'the root and all below it'),
})

export function treeRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  app.openapi(route, (c) => c.json(treeBody(deps.tree()), 200))
}

export function treeBody(node: TreeNode): TreeBody {
  return { ...nodeBody(node), children: node.children.map(treeBody) }
}

/** One node without those below it: a `tree` delta. */
export function nodeBody(node: TreeNode): Omit<TreeBody, 'children'> {
  return {
    name: node.name,
    path: node.path,
    kind: node.kind,
    state: node.state,
    epoch: node.epoch,
    restarts: node.restarts,
    mailbox: node.mailbox,
    dropped: node.dropped,
    lastProgressAt: isoOrNull(node.lastProgressAt),
    reason: node.reason,
  }
}
