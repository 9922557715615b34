/** The process's own output, reached here and nowhere else: data goes to `stdout`, talk to `stderr`. */

export interface Output {
  readonly write: (text: string) => void
  readonly isTerminal: boolean
  /** Asked each time: a window may be resized. */
  readonly columns: () => number
}

type Stream = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> & {
  readonly write: (text: string) => unknown
}

export const stdout: Output = outputTo(process.stdout)
export const stderr: Output = outputTo(process.stderr)

const columnsDefault = 80

export function outputTo(stream: Stream): Output {
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY === true,
    // A terminal that does not know its size says 0.
    columns: () => stream.columns || columnsDefault,
  }
}
