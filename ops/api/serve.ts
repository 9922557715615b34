/** The API on a port, which may be taken long before there is anything to answer with. */
import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { Fault } from '../../streams/fault.ts'

export interface Served {
  /** `http://127.0.0.1:8080`: with the port that the system chose where it was asked to. */
  readonly address: string
  readonly port: number
  /** From now on this one answers. */
  readonly turnTo: (app: App) => void
  /** Takes no more requests, lets those under way finish for as long as given, then ends their connections. */
  readonly close: (graceMs: number) => Promise<void>
}

export interface App {
  readonly fetch: (request: Request, env: object) => Response | Promise<Response>
}

export async function serve(first: App, host: string, port: number): Promise<Served> {
  let app = first
  const server = createAdaptorServer({
    fetch: (request, env) => app.fetch(request, env),
  }) as Server
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(error, host, port)))
    server.listen(port, host, resolve)
  })
  const bound = server.address()
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port
  return {
    address: `http://${host.includes(':') ? `[${host}]` : host}:${boundPort}`,
    port: boundPort,
    turnTo: (next) => {
      app = next
    },
    close: (graceMs) => close(server, graceMs),
  }
}

function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const giveUp = setTimeout(() => server.closeAllConnections(), graceMs)
    server.close(() => {
      clearTimeout(giveUp)
      resolve()
    })
    server.closeIdleConnections()
  })
}

function cannotListen(cause: Error, host: string, port: number): Fault {
  const { code } = cause as NodeJS.ErrnoException
  const where = `port ${port} on ${host}`
  switch (code) {
    case 'EADDRINUSE':
      return new Fault('api.port_in_use', `${where} is in use: choose another with --port`, {
        cause,
      })
    case 'EACCES':
      return new Fault(
        'api.port_refused',
        `this user may not listen on ${where}: choose one above 1023 with --port`,
        { cause },
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new Fault(
        'api.host_unknown',
        `this machine has no address ${host}: set api.host to one that it has`,
        { cause },
      )
    default:
      return new Fault('api.unavailable', `cannot listen on ${where}: ${cause.message}`, { cause })
  }
}
