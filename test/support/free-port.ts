/** A port for a program that cannot say which one the system chose for it. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below 32,768 systems hand out none by themselves, so nobody gets it before the program does. */
const [first, last] = [20_000, 32_000]

export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(first, last)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
