/**
 * The models that the pool knows: artifacts, the versions that use each, and where each is at home. Versions with the same
 * artifact share a session. A model that is not `here` anywhere is opened again before its next work.
 *
 * `absent → opening → open`, back to `absent` when its child dies or stalls, forgotten when refused or used by none.
 */
import { type Version, versionName } from '../../models/version.ts'
import type { ArtifactRef, Load } from './inference.ts'

export interface Model {
  readonly number: number
  readonly artifact: ArtifactRef
  /** By name. */
  readonly versions: Map<string, Version>
  /** Loads that wait for an answer. */
  loads: Load[]
  state: 'absent' | 'opening' | 'open'
  home: number | null
  /** Children that died while opening it. */
  kills: number
  /** Expected milliseconds a row, learnt from its runs. */
  rowMs: number
}

export class Models {
  readonly #byHash = new Map<string, Model>()
  readonly #byNumber = new Map<number, Model>()
  readonly #byVersion = new Map<string, Model>()
  #numbers = 0

  get all(): Iterable<Model> {
    return this.#byNumber.values()
  }

  get(number: number): Model | undefined {
    return this.#byNumber.get(number)
  }

  of(version: Version): Model | undefined {
    return this.#byVersion.get(versionName(version))
  }

  /** The model of a version, new when no version has the same artifact. */
  enrol(version: Version, artifact: ArtifactRef): Model {
    const model = this.#byHash.get(artifact.sha256) ?? this.#add(artifact)
    model.versions.set(versionName(version), version)
    this.#byVersion.set(versionName(version), model)
    return model
  }

  /** Answers the model when this was the last version that used it; it is then forgotten. */
  dismiss(version: Version): Model | undefined {
    const model = this.of(version)
    if (model === undefined) return undefined
    model.versions.delete(versionName(version))
    this.#byVersion.delete(versionName(version))
    if (model.versions.size > 0) return undefined
    this.#byHash.delete(model.artifact.sha256)
    this.#byNumber.delete(model.number)
    return model
  }

  #add(artifact: ArtifactRef): Model {
    this.#numbers += 1
    const model: Model = {
      number: this.#numbers,
      artifact,
      versions: new Map(),
      loads: [],
      state: 'absent',
      home: null,
      kills: 0,
      rowMs: 0.05,
    }
    this.#byHash.set(artifact.sha256, model)
    this.#byNumber.set(model.number, model)
    return model
  }
}
