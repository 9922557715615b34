/** What children answer, spread over the jobs that asked. */
import assert from 'node:assert/strict'
import { versionName } from '../../models/version.ts'
import { tell } from '../../streams/channels.ts'
import type { Bundle } from './blame.ts'
import { evict } from './dispatch.ts'
import { fail, type Load } from './inference.ts'
import type { Model } from './models.ts'
import type { Run } from './queue.ts'
import { type Child, giveBack, type Pool } from './state.ts'
import type { RunResult, WireAnswer } from './wire.ts'

type Done = Extract<RunResult, { type: 'done' }>

export function hear(pool: Pool, child: Child, answer: WireAnswer): void {
  if (answer.type === 'ready') return
  const bundle = child.underWay.find((it) => it.id === answer.bundle)
  // Taken back meanwhile: another child has it.
  if (bundle === undefined) return
  switch (answer.type) {
    case 'opened':
    case 'refused': {
      finish(child, bundle)
      const model = bundle.opening === null ? undefined : pool.models.get(bundle.opening)
      if (model === undefined) return
      if (answer.type === 'opened') opened(child, model)
      else refused(pool, child, model, answer.code, answer.reason)
      return
    }
    case 'ran': {
      let offset = 0
      answer.results.forEach((result, at) => {
        const run = bundle.runs[bundle.answered + at]
        assert(run !== undefined, 'a child answers the runs it was given')
        if (result.type === 'failed') {
          failed(pool, run, result.reason)
          return
        }
        const outputs = answer.outputs.subarray(offset, offset + run.rows * result.width)
        offset += outputs.length
        spread(run, outputs, result)
        learn(pool, child, run, result.ms)
      })
      const done = { ...bundle, answered: bundle.answered + answer.results.length }
      if (done.answered === done.runs.length) finish(child, bundle)
      else child.underWay[child.underWay.indexOf(bundle)] = done
    }
  }
}

function finish(child: Child, bundle: Bundle): void {
  child.underWay.splice(child.underWay.indexOf(bundle), 1)
}

/** It may have moved on meanwhile, and then this child has already been told to close it. */
function opened(child: Child, model: Model): void {
  if (model.home !== child.number || model.state !== 'opening') return
  model.state = 'open'
  model.kills = 0
  for (const command of model.loads) reportLoaded(model, command)
  model.loads = []
}

export function reportLoaded(model: Model, { version, replyTo }: Load): void {
  replyTo.tell({ type: 'loaded', version, sha256: model.artifact.sha256 })
}

/** The artifact is not what it was, or never was right: its versions are told, and forgotten. */
function refused(pool: Pool, child: Child, model: Model, code: string, reason: string): void {
  if (model.home !== child.number || model.state !== 'opening') return
  for (const { version, replyTo } of model.loads) {
    replyTo.tell({ type: 'loadRefused', version, code, reason })
  }
  for (const job of pool.queue.remove(model.number, () => true)) {
    fail(job.infer, 'inference.refused', `${code}: ${reason}`)
  }
  model.state = 'absent'
  evict(pool, model)
  for (const version of [...model.versions.values()]) pool.models.dismiss(version)
}

/** Each job gets its part of what the run gave, numbers that are none too: who asked refuses those rows, and no others. */
function spread(run: Run, outputs: Float32Array, result: Done): void {
  let row = 0
  for (const { infer } of run.jobs) {
    const from = row * result.width
    row += infer.rows
    infer.replyTo.tell({
      type: 'inferred',
      id: infer.id,
      version: infer.version,
      outputs: outputs.subarray(from, row * result.width),
      inferMs: result.ms,
      inferRows: run.rows,
    })
  }
}

/** One row can fail a whole run; which one shows when each is run by itself. */
function failed(pool: Pool, run: Run, reason: string): void {
  const [first] = run.jobs
  if (run.jobs.length === 1 && first !== undefined) {
    fail(first.infer, 'inference.refused', reason)
    return
  }
  giveBack(
    pool,
    run.jobs.map((job) => ({ ...job, alone: true })),
  )
}

function learn(pool: Pool, child: Child, run: Run, ms: number): void {
  const model = pool.models.get(run.model)
  if (model !== undefined) model.rowMs += 0.2 * (ms / run.rows - model.rowMs)
  const [job] = run.jobs
  if (job === undefined) return
  tell('inference.finished', {
    child: child.number,
    version: versionName(job.infer.version),
    rows: run.rows,
    ms,
    queuedRows: pool.queue.rows,
  })
}
