/**
 * Which versions each lane has and which slots they hold, in memory, as the store has it. A lane that has none gets the
 * version that ships with its family; it holds slot v1 from then on.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact } from '../models/artifact.ts'
import { type Lane, laneName, type Pointer, type Version, versionName } from '../models/version.ts'
import type { Coin } from '../streams/coin.ts'
import { Fault } from '../streams/fault.ts'
import type { Millis } from '../streams/time.ts'
import type { FleetLane } from '../supervisor/lane-actors.ts'
import type { ArtifactFiles } from './store/artifact-files.ts'
import type { StoreReads } from './store/reads.ts'
import type { Store } from './store/store.ts'
import { artifactOf, assignSlot, closeSlots, registerVersion } from './store/versions.ts'

export interface RegistryPorts {
  readonly store: Store
  readonly reads: StoreReads
  readonly artifacts: ArtifactFiles
  readonly families: readonly string[]
  /** The folder in which each family has its shipped version, `<family>/v1`. */
  readonly shipped: string
}

export class LaneRegistry {
  readonly #ports: RegistryPorts
  readonly #pointers = new Map<string, readonly Pointer[]>()
  readonly #lanes = new Map<Coin, readonly FleetLane[]>()

  constructor(ports: RegistryPorts) {
    this.#ports = ports
  }

  lanes(coin: Coin): readonly FleetLane[] {
    return this.#lanes.get(coin) ?? []
  }

  pointers(lane: Lane): readonly Pointer[] {
    return this.#pointers.get(laneName(lane)) ?? []
  }

  /**
   * Lanes that held slots when the daemon last ran and are not followed now hold none from `from` on: their candles are
   * nobody's to answer.
   */
  async closeOthers(coins: readonly Coin[], from: Millis): Promise<void> {
    const { store, reads, families } = this.#ports
    const open = (await reads.pointers()).filter(({ until }) => until === null)
    for (const { coin, family } of open) {
      if (coins.includes(coin) && families.includes(family)) continue
      const answered = await this.#answeredTo({ coin, family })
      await closeSlots(store.sql, store.names, { coin, family }, Math.min(from, answered ?? from))
    }
  }

  /** The coin is not followed from `from` on. */
  async close(coin: Coin, from: Millis): Promise<void> {
    const { store } = this.#ports
    for (const { lane } of this.lanes(coin)) await closeSlots(store.sql, store.names, lane, from)
    this.#lanes.delete(coin)
  }

  /** Brings a coin's lanes in; where a lane is new its shipped version begins with the candle that opens at `from`. */
  async open(coin: Coin, from: Millis): Promise<void> {
    const lanes: FleetLane[] = []
    for (const family of this.#ports.families) {
      const lane = { coin, family }
      let pointers = await this.#ports.reads.pointers(lane)
      if (!pointers.some(({ until }) => until === null)) {
        await this.#ship(lane, from)
        pointers = await this.#ports.reads.pointers(lane)
      }
      this.#pointers.set(laneName(lane), pointers)
      lanes.push({ lane, versions: await this.#serving(pointers) })
    }
    this.#lanes.set(coin, lanes)
  }

  async artifact(version: Version): Promise<Artifact> {
    const { store, artifacts, shipped } = this.#ports
    const sha256 = await artifactOf(store.sql, store.names, version)
    // A store of its own server outlives data directories: a new one has the shipped version again.
    if (!artifacts.has(sha256)) await artifacts.keep(join(shipped, version.family, 'v1'))
    return artifacts.open(sha256)
  }

  /** Opening of the candle after the newest that the lane has a row for: what it did not get to is nobody's either. */
  async #answeredTo(lane: Lane): Promise<Millis | undefined> {
    const { store, reads } = this.#ports
    const [predictions, holes] = await Promise.all([
      reads.predictions({ ...lane, limit: 1 }),
      reads.holes({ ...lane, limit: 1 }),
    ])
    const newest = [...predictions.items, ...holes.items].map(({ openAt }) => openAt)
    return newest.length === 0 ? undefined : Math.max(...newest) + store.intervalMs
  }

  async #serving(pointers: readonly Pointer[]): Promise<FleetLane['versions']> {
    const versions = new Map<string, Version>()
    for (const { coin, family, version, until } of pointers) {
      if (until === null)
        versions.set(versionName({ coin, family, version }), { coin, family, version })
    }
    return Promise.all(
      [...versions.values()].map(async (version) => ({
        version,
        artifact: await this.artifact(version),
      })),
    )
  }

  async #ship(lane: Lane, from: Millis): Promise<void> {
    const { store, shipped, artifacts } = this.#ports
    const folder = join(shipped, lane.family, 'v1')
    const artifact = await artifacts.keep(folder)
    const { manifest } = artifact
    if (manifest.coin !== '*' && manifest.coin !== lane.coin) {
      throw new Fault('artifact.coin', `${folder} is for ${manifest.coin}, not for ${lane.coin}`)
    }
    const metrics: unknown = JSON.parse(await readFile(join(folder, 'metrics.json'), 'utf8'))
    const version = await registerVersion(store.sql, store.names, {
      ...lane,
      sha256: artifact.sha256,
      manifest,
      metrics,
      artifact: artifact.sha256,
    })
    await assignSlot(store.sql, store.names, 'v1', version, from)
  }
}
