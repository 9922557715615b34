/**
 * Ends this process when the one that forked it is gone, whatever it is doing: inside a model's native code the event loop
 * stands, and with it the news that the channel has closed. So a thread of its own looks, and costs 12 MB.
 */
import { Worker } from 'node:worker_threads'

const lookEveryMs = 500

/** Written as text because the thread must not wait for a file that types are stripped from. */
const look = (parent: number): string => `
  setInterval(() => {
    if (process.ppid !== ${parent}) process.kill(process.pid, 'SIGKILL')
  }, ${lookEveryMs})
`

export function leaveWithParent(): void {
  const limits = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 }
  const thread = new Worker(look(process.ppid), { eval: true, resourceLimits: limits })
  // It keeps nobody alive.
  thread.unref()
}
