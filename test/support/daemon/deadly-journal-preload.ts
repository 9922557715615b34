/** Loaded before a daemon: its journal becomes the deadly one, whoever asks for it, and nothing of the daemon knows of it. */
import { registerHooks } from 'node:module'

const journal = new URL('../../../ops/store/versions/journal.ts', import.meta.url).href
const deadly = new URL('./deadly-journal.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context)
    const isTheirs = found.url === journal && context.parentURL !== deadly
    return isTheirs ? next(deadly, context) : found
  },
})
