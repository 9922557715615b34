/**
 * Which versions each lane has and which slots they hold, in memory, as the store has it: the reconciler tells whenever it
 * has read or changed it. A lane of a configured family that has none gets the version that ships with it, in slot v1; a
 * lane whose family came with a published version is followed with its coin, whatever it holds.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Artifact } from '../../models/artifact.ts'
import { exempt } from '../../models/judging/gate.ts'
import {
  type Lane,
  laneName,
  type Pointer,
  type Version,
  versionName,
} from '../../models/version.ts'
import type { Coin } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import type { Millis } from '../../streams/time.ts'
import type { FleetLane } from '../../supervisor/fleet/lane-actors.ts'
import type { LaneRecord } from '../../supervisor/fleet/lane-journal.ts'
import type { StoreReads } from '../store/reads/reads.ts'
import type { Store } from '../store/store.ts'
import type { ArtifactFiles } from '../store/versions/artifact-files.ts'
import { closeSlots, reopenSlots } from '../store/versions/closed-slots.ts'
import {
  artifactOf,
  assignSlot,
  giveVerdict,
  guestFamilies,
  markGuest,
  registerVersion,
} from '../store/versions/versions.ts'

export interface RegistryPorts {
  readonly store: Store
  readonly reads: StoreReads
  readonly artifacts: ArtifactFiles
  readonly families: readonly string[]
  /** The folder in which each family has its shipped version, `<family>/v1`. */
  readonly shipped: string
  /** Brings an artifact that is not in a file here from the registry. */
  readonly fetch?: (version: Version) => Promise<unknown>
}

export class LaneRegistry {
  readonly #ports: RegistryPorts
  readonly #pointers = new Map<string, readonly Pointer[]>()
  readonly #lanes = new Map<Coin, readonly FleetLane[]>()
  readonly #artifacts = new Map<string, Artifact>()
  readonly #unservable = new Map<string, string>()
  readonly #setAside = new Map<string, ReadonlySet<number>>()
  readonly #guests = new Set<string>()

  constructor(ports: RegistryPorts) {
    this.#ports = ports
  }

  lanes(coin: Coin): readonly FleetLane[] {
    return this.#lanes.get(coin) ?? []
  }

  pointers(lane: Lane): readonly Pointer[] {
    return this.#pointers.get(laneName(lane)) ?? []
  }

  isFollowed(lane: Lane): boolean {
    if (!this.#lanes.has(lane.coin)) return false
    return this.#ports.families.includes(lane.family) || this.#guests.has(laneName(lane))
  }

  /** Versions that hold a slot and are not served, each with what is wrong with its artifact. */
  get unservable(): ReadonlyMap<string, string> {
    return this.#unservable
  }

  isSetAside(version: Version): boolean {
    return this.#setAside.get(laneName(version))?.has(version.version) ?? false
  }

  /** Slots and quarantines as they are written now. */
  learn({ lane, pointers, stages }: LaneRecord): void {
    const name = laneName(lane)
    this.#pointers.set(name, pointers)
    const aside = stages.filter(({ stage }) => stage === 'quarantined')
    this.#setAside.set(name, new Set(aside.map(({ version }) => version.version)))
    const others = this.lanes(lane.coin).filter((it) => it.lane.family !== lane.family)
    if (!this.isFollowed(lane)) return
    const versions = holdersOf(pointers).flatMap((version) => {
      const artifact = this.#artifacts.get(versionName(version))
      return artifact ? [{ version, artifact }] : []
    })
    this.#lanes.set(lane.coin, [...others, { lane, versions }])
  }

  /** A version is published into a lane: it is followed from now on, if its coin is. */
  async admit(lane: Lane): Promise<void> {
    const { store, families } = this.#ports
    if (families.includes(lane.family)) return
    await markGuest(store.sql, store.names, lane)
    this.#guests.add(laneName(lane))
  }

  /**
   * Lanes that held slots when the daemon last ran and are not followed now hold none from `from` on: their candles are
   * nobody's to answer.
   */
  async closeOthers(coins: readonly Coin[], from: Millis): Promise<void> {
    const { store, reads, families } = this.#ports
    const open = (await reads.pointers()).filter(({ until }) => until === null)
    for (const { coin, family } of open) {
      const isGuest = (await this.#guestsOf(coin)).includes(family)
      if (coins.includes(coin) && (families.includes(family) || isGuest)) continue
      await closeSlots(store.sql, store.names, { coin, family }, from)
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
    const guests = await this.#guestsOf(coin)
    for (const family of guests) this.#guests.add(laneName({ coin, family }))
    for (const family of new Set([...this.#ports.families, ...guests])) {
      const lane = { coin, family }
      let pointers = await this.#ports.reads.pointers(lane)
      if (!pointers.some(({ until }) => until === null)) {
        await this.#begin(lane, pointers, from)
        pointers = await this.#ports.reads.pointers(lane)
      }
      this.#pointers.set(laneName(lane), pointers)
      lanes.push({ lane, versions: await this.#serving(pointers) })
    }
    this.#lanes.set(coin, lanes)
  }

  async artifact(version: Version): Promise<Artifact> {
    const known = this.#artifacts.get(versionName(version))
    if (known) return known
    const { store, artifacts, shipped, fetch } = this.#ports
    const sha256 = await artifactOf(store.sql, store.names, version)
    const folder = join(shipped, version.family, 'v1')
    // A store of its own server outlives data directories: a new one has the shipped version again.
    if (!artifacts.has(sha256) && existsSync(folder)) await artifacts.keep(folder)
    if (!artifacts.has(sha256)) await fetch?.(version)
    const artifact = await artifacts.open(sha256)
    this.#artifacts.set(versionName(version), artifact)
    this.#unservable.delete(versionName(version))
    return artifact
  }

  async #guestsOf(coin: Coin): Promise<readonly string[]> {
    const { store } = this.#ports
    return guestFamilies(store.sql, store.names, coin)
  }

  /** One whose artifact cannot be had is left out: whoever starts versions later finds out why. */
  async #serving(pointers: readonly Pointer[]): Promise<FleetLane['versions']> {
    const found: { version: Version; artifact: Artifact }[] = []
    for (const version of holdersOf(pointers)) {
      const artifact = await this.artifact(version).catch((error: unknown) => {
        if (!(error instanceof Fault) || error.retryable) throw error
        this.#unservable.set(versionName(version), error.message)
        return undefined
      })
      if (artifact) found.push({ version, artifact })
    }
    return found
  }

  /** A lane that comes back has what it had when it left; a new one begins with what ships. */
  async #begin(lane: Lane, past: readonly Pointer[], from: Millis): Promise<void> {
    const { store, families } = this.#ports
    const back = await reopenSlots(store.sql, store.names, lane, from)
    if (back === 'given') return
    // Of lanes that left before it was written down what they had, the slots that ended last tell.
    const left = past.reduce((last, { until }) => Math.max(last, until ?? 0), 0)
    const held = back === 'none' ? [] : past.filter(({ until }) => until === left)
    for (const { slot, version } of held)
      await assignSlot(store.sql, store.names, slot, { ...lane, version }, from)
    if (held.length === 0 && families.includes(lane.family)) await this.#ship(lane, from)
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
    await giveVerdict(store.sql, store.names, version, exempt('open', 'shipped', whyShipped))
    await assignSlot(store.sql, store.names, 'v1', version, from)
  }
}

const whyShipped =
  'A shipped first version: it serves so that the lane has one, and was not judged on this market.'

/** As the last change has it. */
function holdersOf(pointers: readonly Pointer[]): readonly Version[] {
  const versions = new Map<string, Version>()
  for (const { coin, family, version, until } of pointers)
    if (until === null)
      versions.set(versionName({ coin, family, version }), { coin, family, version })
  return [...versions.values()]
}
