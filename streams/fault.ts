/** Trouble that is expected and has a name. A broken invariant is an `assert` instead; an outcome to decide on is a value. */

export class Fault extends Error {
  /** Stable and safe as a metric label: `store.unavailable`, `artifact.hash`. */
  readonly code: `${string}.${string}`
  /** May the same call succeed if it is simply made again later? */
  readonly retryable: boolean

  constructor(
    code: `${string}.${string}`,
    message: string,
    options: { readonly retryable?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.name = 'Fault'
    this.code = code
    this.retryable = options.retryable ?? false
  }
}
