import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApp } from '../../../ops/api/app.ts'
import { stubDeps } from './stub.ts'

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly security?: readonly unknown[]
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<Record<string, unknown>>
}

interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
}

const app = createApp(stubDeps())
const document = (await (await app.request('/api/v1/openapi.json')).json()) as Document
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)

test('every route is described, and nothing else is', () => {
  const served = app.routes
    .filter(({ method }) => method !== 'ALL')
    // The bare address leads a person to the status; programs have no use for it.
    .filter(({ path }) => path !== '/')
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
  const described = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`)
  assert.deepEqual(described.toSorted(), [...new Set(served)].toSorted())
  assert(described.length > 25)
})

test('every operation has a name of its own and says what it is for', () => {
  const names = operations.map(({ operation }) => operation.operationId)
  assert.equal(new Set(names).size, names.length)
  for (const { operation } of operations) assert(operation.summary.length > 3)
})

test('what stands in braces is a parameter of the path', () => {
  for (const { path, operation } of operations) {
    const inPath = (operation.parameters ?? []).filter((one) => one.in === 'path')
    const braces = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
    assert.deepEqual(inPath.map((one) => one.name).toSorted(), braces.toSorted(), path)
  }
})

test('whatever writes asks for the token', () => {
  for (const { path, method, operation } of operations) {
    assert.equal(operation.security !== undefined, method !== 'get', `${method} ${path}`)
  }
})

test('every reference leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)]
  assert(references.length > 20)
  for (const [, name] of references) assert((name as string) in document.components.schemas)
})
