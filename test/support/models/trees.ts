/** A boosted classifier as large as one wants, made by chance: what LightGBM gives after that many rounds, in size and shape. */
import { baseManifest, softmax, type TestModel } from './artifacts.ts'

interface Tree {
  /** Per inner node, in the order of a heap: which column, below or at which value to the left. */
  readonly columns: readonly number[]
  readonly thresholds: readonly number[]
  readonly leaves: readonly number[]
}

export function treesModel(rounds: number, columns: number, depth = 4): TestModel {
  const chance = chanceFrom(1)
  const inner = 2 ** depth - 1
  const trees = Array.from(
    { length: rounds * 3 },
    (): Tree => ({
      columns: Array.from({ length: inner }, () => Math.floor(chance() * columns)),
      thresholds: Array.from({ length: inner }, () => Math.fround(chance() * 2 - 1)),
      leaves: Array.from({ length: inner + 1 }, () => Math.fround((chance() - 0.5) / rounds)),
    }),
  )
  const inputs = Array.from({ length: 16 }, () =>
    Array.from({ length: columns }, () => Math.fround(chance() * 2 - 1)),
  )
  return {
    graph: {
      nodes: [
        {
          op: 'TreeEnsembleRegressor',
          domain: 'ai.onnx.ml',
          inputs: ['features'],
          outputs: ['logits'],
          ints: { n_targets: 3 },
          strings: { post_transform: 'NONE', aggregate_function: 'SUM' },
          lists: attributes(trees, depth),
        },
        { op: 'Softmax', inputs: ['logits'], outputs: ['probabilities'], ints: { axis: 1 } },
      ],
      inputs: [{ name: 'features', shape: ['n', columns] }],
      outputs: [{ name: 'probabilities', shape: ['n', 3] }],
    },
    manifest: {
      ...baseManifest(),
      family: 'lightgbm',
      input: {
        ...(baseManifest().input as object),
        columns: Array.from({ length: columns }, (_, at) => `column_${at}`),
      },
    },
    inputs,
    outputs: inputs.map((row) => softmax(logits(trees, row))),
  }
}

function attributes(
  trees: readonly Tree[],
  depth: number,
): Record<string, number[] | Float32Array | string[]> {
  const inner = 2 ** depth - 1
  const all = 2 * inner + 1
  const ids = Array.from({ length: all }, (_, at) => at)
  const each = <T>(make: (tree: Tree, id: number, at: number) => T): T[] =>
    trees.flatMap((tree, at) => ids.map((id) => make(tree, id, at)))
  const leaf = <T>(make: (tree: Tree, id: number, at: number) => T): T[] =>
    trees.flatMap((tree, at) => ids.slice(inner).map((id) => make(tree, id, at)))
  return {
    nodes_treeids: each((_, __, at) => at),
    nodes_nodeids: each((_, id) => id),
    nodes_featureids: each((tree, id) => tree.columns[id] ?? 0),
    nodes_values: Float32Array.from(each((tree, id) => tree.thresholds[id] ?? 0)),
    nodes_modes: each((_, id) => (id < inner ? 'BRANCH_LEQ' : 'LEAF')),
    nodes_truenodeids: each((_, id) => (id < inner ? 2 * id + 1 : 0)),
    nodes_falsenodeids: each((_, id) => (id < inner ? 2 * id + 2 : 0)),
    target_treeids: leaf((_, __, at) => at),
    target_nodeids: leaf((_, id) => id),
    target_ids: leaf((_, __, at) => at % 3),
    target_weights: Float32Array.from(leaf((tree, id) => tree.leaves[id - inner] ?? 0)),
  }
}

function logits(trees: readonly Tree[], row: readonly number[]): readonly number[] {
  const sums = [0, 0, 0]
  trees.forEach(({ columns, thresholds, leaves }, at) => {
    let id = 0
    while (id < columns.length) {
      id = (row[columns[id] ?? 0] ?? 0) <= (thresholds[id] ?? 0) ? 2 * id + 1 : 2 * id + 2
    }
    sums[at % 3] = (sums[at % 3] ?? 0) + (leaves[id - columns.length] ?? 0)
  })
  return sums
}

/** Lehmer's generator: the same trees every time. */
function chanceFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
