#!/usr/bin/env node
// The door: plain JavaScript that any Node from 20 on can run. It installs the packages where they are missing or not what
// the lock file says, then hands over to the Node version that the project pins, and answers with that one's exit code.
// `launch.mjs COMMAND …` is the command line, `--node ARGS` runs the pinned Node itself, `--install` only installs.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const pinned = join(root, 'node_modules', 'node', 'bin', 'node')
const installing = join(root, '.installing')
const args = process.argv.slice(2)

if (Number.parseInt(process.versions.node, 10) < 20)
  fail(`Node 20 or newer is needed to begin with, and this is ${process.versions.node}`)
if (!isInstalled()) installOnce()
if (args[0] !== '--install') handOver()

/** Versions are compared, not times: a fresh checkout, a copied tree and a container's layer all date files anew. */
function isInstalled() {
  const mark = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(pinned) || !existsSync(mark)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const present = JSON.parse(readFileSync(mark, 'utf8')).packages
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === '') return true
    const found = present[path]
    return found
      ? found.version === entry.version
      : Boolean(entry.optional || entry.dev || entry.peer)
  })
}

/** Two first starts side by side: one installs, the other waits for it. */
function installOnce() {
  for (;;) {
    try {
      writeFileSync(installing, String(process.pid), { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') fail(`cannot install packages into ${root}: ${error.message}`)
      if (!isAlive(installerPid())) rmSync(installing, { force: true })
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250)
    }
  }
  process.on('exit', () => rmSync(installing, { force: true }))
  if (!isInstalled()) install()
}

function installerPid() {
  try {
    return Number(readFileSync(installing, 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return 0
    throw error
  }
}

function isAlive(pid) {
  // Empty for the moment between its making and its writing.
  if (pid === 0) return existsSync(installing)
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function install() {
  process.stderr.write('starling: installing packages, once (about 770 MB) …\n')
  for (let attempt = 1; ; attempt++) {
    const done = spawnSync('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 2, 2],
      // onnxruntime-node would fetch 300 MB of GPU libraries that nothing here uses.
      env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    })
    if (done.error?.code === 'ENOENT')
      fail(
        'npm was not found, and the packages are not installed: install npm (it comes with Node), then start again',
      )
    if (done.error) fail(`npm cannot be run: ${done.error.message}`)
    if (done.signal) fail(`npm ci was ended by ${done.signal}`)
    if (done.status === 0 && existsSync(pinned)) return
    if (attempt === 3) fail('npm ci failed three times; what it said is above')
    process.stderr.write('starling: npm ci failed; trying again\n')
  }
}

/**
 * The program gets a session of its own, so a signal has one way to it: through here. A terminal's Ctrl-C goes to a whole
 * group of processes, and npm passes it on once more; without this one Ctrl-C would arrive as two or three, and the second
 * one means "at once". The channel is the other direction: if this process is killed, the program does not outlive it.
 */
function handOver() {
  const main = join(root, 'ops', 'cli', 'main.ts')
  const untilWeDie = `data:text/javascript,if(process.ppid===${process.pid}){
    process.on('disconnect',()=>process.kill(process.pid,'SIGKILL'))
    process.channel.unref()
  }`
    .replace(/\n\s*/g, ';')
    .replace('{;', '{')
  const child = spawn(
    pinned,
    ['--import', untilWeDie, ...(args[0] === '--node' ? args.slice(1) : [main, ...args])],
    { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], detached: true },
  )
  child.on('error', (error) => fail(`cannot run ${pinned}: ${error.message}`))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
  passSignals(child)
}

/** Under npm the same Ctrl-C comes from the terminal and from npm, milliseconds apart: within this, they are one. */
const sameMs = 300

function passSignals(child) {
  const passedAt = new Map()
  const isRepeated = Boolean(process.env.npm_command)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
    process.on(signal, () => {
      const now = performance.now()
      const isSame = isRepeated && now - (passedAt.get(signal) ?? -sameMs) < sameMs
      if (isSame) return
      passedAt.set(signal, now)
      child.kill(signal)
    })
  }
  process.on('SIGWINCH', () => child.kill('SIGWINCH'))
  process.on('SIGCONT', () => child.kill('SIGCONT'))
  process.on('SIGTSTP', () => {
    child.kill('SIGSTOP')
    process.kill(process.pid, 'SIGSTOP')
  })
}

function fail(message) {
  process.stderr.write(`starling: ${message}\n`)
  process.exit(1)
}
