/**
 * What answers on the port while the daemon is on its way: that it lives, and what it waits for. Nothing else is known yet,
 * and whoever asks for more is told to come back.
 */
import { Hono } from 'hono'
import { problem } from './problem.ts'

/** `waitsFor` says it in words. */
export function startingApp(waitsFor: () => string): Hono {
  const app = new Hono()
  app.get('/health/live', (c) => c.json({ live: true }))
  app.get('/health/ready', (c) => c.json({ ready: false, why: waitsFor() }, 503))
  app.all('*', (c) =>
    problem(c, 503, 'daemon.starting', `the daemon is starting: ${waitsFor()}`, {
      headers: { 'retry-after': '1' },
    }),
  )
  return app
}
