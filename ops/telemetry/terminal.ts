/** The process's own output, reached here and nowhere else: data goes to `stdout`, talk to `stderr`. */

export interface Output {
  readonly write: (text: string) => void
  readonly isTerminal: boolean
  /** Asked each time: a window may be resized. */
  readonly columns: () => number
}

export const stdout: Output = outputTo(process.stdout)
export const stderr: Output = outputTo(process.stderr)

function outputTo(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY === true,
    columns: () => stream.columns ?? 80,
  }
}
