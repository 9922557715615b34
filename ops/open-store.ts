/**
 * The way to a market's store: our own PostgreSQL in the data directory, or the one that is configured. Whoever opens it
 * here closes it here; our own ends with the last who do.
 */
import type { Config } from './config/schema.ts'
import type { ServerAddress } from './store/connection.ts'
import type { DataDirectory } from './store/data-directory.ts'
import { type ServerEvent, startServer } from './store/embedded/server.ts'

export interface StoreServer {
  readonly address: ServerAddress
  readonly stop: () => Promise<void>
}

export async function openStoreServer(
  config: Config,
  directory: DataDirectory,
  tell: (event: ServerEvent) => void,
): Promise<StoreServer> {
  const { url } = config.store
  if (url !== null) return { address: { type: 'url', url }, stop: async () => {} }
  const server = await startServer(directory.path, tell)
  return { address: { type: 'socket', path: server.socket }, stop: server.stop }
}
