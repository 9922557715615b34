/** A source file as the tidy rules see it: its lines, the same lines without comments and strings, and what it imports. */
export interface Source {
  /** From the repository's root, with slashes. */
  readonly path: string
  readonly lines: readonly string[]
  /** The lines with comments, and what is between quotes, as blanks: where a word here is code. */
  readonly code: readonly string[]
  /** Indices of lines that begin inside a template literal. */
  readonly inTemplate: ReadonlySet<number>
  readonly imports: readonly Import[]
}

export interface Import {
  /** A path from the root for a file of our own, else a package's name without what follows it. */
  readonly target: string
  readonly isOwn: boolean
  /** Named as a program for another process, which may know the one that starts it. */
  readonly isProgram: boolean
  readonly line: number
}

export interface Violation {
  readonly path: string
  readonly line: number
  readonly say: string
}

export function readSource(path: string, text: string): Source {
  const code = blank(text)
  return {
    path,
    lines: text.split('\n'),
    code: code.split('\n'),
    inTemplate: linesInTemplates(text),
    imports: importsOf(path, text, code),
  }
}

export function at(source: Source, line: number, say: string): Violation {
  return { path: source.path, line, say }
}

/** The lines of code that match, each once. */
export function where(source: Source, pattern: RegExp): readonly number[] {
  return source.code.flatMap((line, index) => (pattern.test(line) ? [index + 1] : []))
}

const tokens = [
  String.raw`//[^\n]*`,
  String.raw`/\*[\s\S]*?\*/`,
  String.raw`'(?:\\.|[^'\\\n])*'`,
  String.raw`"(?:\\.|[^"\\\n])*"`,
  '`(?:\\\\.|[^`\\\\])*`',
  // A regular expression stands where a value may begin; elsewhere a slash divides.
  String.raw`(?<=[=(,:!&|?{;\n]\s*)/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+/[dgimsuvy]*`,
].join('|')

/** Comments, quotes, templates (their `${…}` parts stay code) and regular expressions become blanks, in one pass. */
function blank(text: string): string {
  return text.replace(new RegExp(tokens, 'g'), (found) =>
    found.startsWith('`') ? keepHoles(found) : found.replace(/[^\n]/g, ' '),
  )
}

function linesInTemplates(text: string): ReadonlySet<number> {
  const inside = new Set<number>()
  for (const match of text.matchAll(new RegExp(tokens, 'g'))) {
    if (!match[0].startsWith('`')) continue
    const first = text.slice(0, match.index).split('\n').length
    const more = match[0].split('\n').length - 1
    for (let index = first; index < first + more; index++) inside.add(index)
  }
  return inside
}

function keepHoles(template: string): string {
  let depth = 0
  let out = ''
  for (let index = 0; index < template.length; index++) {
    const two = template.slice(index, index + 2)
    const char = template[index] as string
    if (two === '${') depth++
    out += depth > 0 || char === '\n' ? char : ' '
    if (depth > 0 && char === '}') depth--
  }
  return out
}

const importing = new RegExp(
  [
    String.raw`\b(?:import|export)\b[^'"\`;]*?\bfrom\s*['"]([^'"]+)['"]`,
    String.raw`\bimport\s*['"]([^'"]+)['"]`,
    String.raw`\b(?:import|require|import\.meta\.resolve)\s*\(\s*['"\`]([^'"\`]+)['"\`]`,
    String.raw`\bnew URL\(\s*['"](\.[^'"]+\.(?:ts|mjs))['"]`,
  ].join('|'),
  'g',
)

function importsOf(path: string, text: string, code: string): readonly Import[] {
  return [...text.matchAll(importing)].flatMap((match) => {
    // In a comment or a string the keyword itself is blank.
    if (!/[a-z]/.test(code.slice(match.index, match.index + 7))) return []
    const name = match.slice(1).find((group) => group !== undefined) as string
    const line = text.slice(0, match.index + match[0].length).split('\n').length
    const isOwn = name.startsWith('.')
    const isProgram = match[0].startsWith('new URL')
    return [{ target: isOwn ? resolve(path, name) : packageOf(name), isOwn, isProgram, line }]
  })
}

function resolve(from: string, name: string): string {
  const parts = from.split('/').slice(0, -1)
  for (const part of name.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '.') parts.push(part)
  }
  return parts.join('/')
}

function packageOf(name: string): string {
  if (name.startsWith('node:')) return name
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')
}
