/** The configuration file as values, each of which can be found again by its line. */
import { type Document, isMap, isScalar, LineCounter, type Pair, parseDocument } from 'yaml'
import { Fault } from '../../streams/fault.ts'
import type { Path } from './paths.ts'

export interface FileLayer {
  readonly name: string
  readonly values: unknown
  /** The line on which a value or, failing that, the nearest thing around it stands. */
  readonly lineOf: (path: Path, what: 'key' | 'value') => number | undefined
}

export function readFileLayer(name: string, text: string): FileLayer {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const wrong = document.errors[0]
  if (wrong) {
    const [said] = wrong.message.split(/ at line \d+/)
    throw new Fault('config.syntax', `${name}:${lines.linePos(wrong.pos[0]).line}: ${said}`)
  }
  const lineOf = (path: Path, what: 'key' | 'value'): number | undefined => {
    const offset = offsetOf(document, path, what)
    return offset === undefined ? undefined : lines.linePos(offset).line
  }
  return { name, values: document.toJS() ?? {}, lineOf }
}

function offsetOf(document: Document, path: Path, what: 'key' | 'value'): number | undefined {
  for (let depth = path.length; depth > 0; depth--) {
    const parent = depth === 1 ? document.contents : document.getIn(path.slice(0, depth - 1), true)
    const key = path[depth - 1]
    if (isMap(parent)) {
      const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === key)
      const offset = pair && offsetOfPair(pair, depth === path.length ? what : 'key')
      if (offset !== undefined) return offset
      continue
    }
    const offset = rangeOf(document.getIn(path.slice(0, depth), true))
    if (offset !== undefined) return offset
  }
  return undefined
}

function offsetOfPair(pair: Pair, what: 'key' | 'value'): number | undefined {
  return what === 'key' ? rangeOf(pair.key) : (rangeOf(pair.value) ?? rangeOf(pair.key))
}

function rangeOf(node: unknown): number | undefined {
  const range = (node as { range?: readonly number[] | null } | null | undefined)?.range
  return range?.[0]
}
