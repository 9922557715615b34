/** The process's environment, read here and nowhere else. */

export type Environment = Readonly<Record<string, string | undefined>>

export function environment(): Environment {
  return process.env
}
