/** Values addressed by the keys that lead to them. */

export type Path = readonly (string | number)[]

/** A value set from outside the file: a variable of the environment, an option of the command line. */
export interface Setting {
  readonly path: Path
  readonly name: string
  readonly value: unknown
}

/** The paths of everything that is not itself a mapping. */
export function leaves(value: unknown, path: Path): readonly Path[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [path]
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]))
}

export function at(values: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<string | number, unknown> | null | undefined)?.[key],
    values,
  )
}
