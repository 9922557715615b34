/** The supervision tree in numbers. */
import type { TreeNode } from '../../supervisor/tree/spec.ts'

export interface TreeCounts {
  readonly byState: ReadonlyMap<string, number>
  readonly mailboxByKind: ReadonlyMap<string, number>
}

export function countTree(root: TreeNode): TreeCounts {
  const byState = new Map<string, number>()
  const mailboxByKind = new Map<string, number>()
  for (const node of walk(root)) {
    byState.set(node.state, (byState.get(node.state) ?? 0) + 1)
    mailboxByKind.set(node.kind, (mailboxByKind.get(node.kind) ?? 0) + node.mailbox)
  }
  return { byState, mailboxByKind }
}

export function kindAt(root: TreeNode, path: string): string {
  for (const node of walk(root)) if (node.path === path) return node.kind
  return 'gone'
}

function* walk(node: TreeNode): Generator<TreeNode> {
  yield node
  for (const child of node.children) yield* walk(child)
}
