/** A pool in a process of its own, which prints its children's pids and is then killed by the test. */
import { startPool } from './pool.ts'

const pool = await startPool({ children: 2 })
process.stdout.write(JSON.stringify(pool.pids()))
