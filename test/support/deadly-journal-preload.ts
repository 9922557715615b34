/** Loaded before a daemon: its journal becomes the deadly one, and nothing of the daemon knows of it. */
import { registerHooks } from 'node:module'

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === './store/versions/journal.ts' && context.parentURL?.endsWith('/ops/versions.ts')
      ? next(new URL('./deadly-journal.ts', import.meta.url).href, context)
      : next(specifier, context),
})
