#!/usr/bin/env node
// Plain JavaScript that any Node from 20 on can run: it installs the packages where they are missing or older than the
// lock file, then hands over to the Node version that the project pins. `launch.mjs --node ARGS` runs Node itself so.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const pinned = join(root, 'node_modules', 'node', 'bin', 'node')
const args = process.argv.slice(2)

if (!isInstalled()) install()
const nodeArgs = args[0] === '--node' ? args.slice(1) : [join(root, 'ops', 'cli', 'main.ts'), ...args]
const child = spawn(pinned, nodeArgs, { stdio: 'inherit' })
// A terminal sends Ctrl-C to the whole group, so the child has it already; what is sent to this process alone is passed on.
process.on('SIGINT', () => {})
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)))
child.on('error', (error) => fail(`cannot run ${pinned}: ${error.message}`))

function isInstalled() {
  const mark = join(root, 'node_modules', '.package-lock.json')
  const lock = join(root, 'package-lock.json')
  return existsSync(pinned) && existsSync(mark) && statSync(mark).mtimeMs >= statSync(lock).mtimeMs
}

function install() {
  for (let attempt = 1; ; attempt++) {
    process.stderr.write('installing packages, once …\n')
    const done = spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    })
    if (done.status === 0 && existsSync(pinned)) return
    if (attempt === 3) fail('npm ci failed three times; its messages are above')
  }
}

function fail(message) {
  process.stderr.write(`starling: ${message}\n`)
  process.exit(1)
}
