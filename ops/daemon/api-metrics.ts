/** What the metrics say of the daemon's own surface: what is running, and how the API answers. */
import type { ApiDeps } from '../api/deps.ts'
import type { Metrics } from '../telemetry/metrics.ts'

export function tellBuild(metrics: Metrics, version: string): void {
  metrics
    .gauge('build_info', 'What is running, as labels', ['version', 'node'])
    .set([version, process.version], 1)
}

export function httpMeter(metrics: Metrics): ApiDeps['metrics']['observe'] {
  const count = metrics.counter('http_requests_total', 'Requests answered', [
    'route',
    'method',
    'status',
  ])
  const time = metrics.histogram(
    'http_request_seconds',
    'Time to answer a request',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    ['route', 'method'],
  )
  return (route, method, status, seconds) => {
    count([route, method, String(status)])
    time([route, method], seconds)
  }
}
