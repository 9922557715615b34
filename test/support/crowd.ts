/** Processes that do the same at the same time, for what must hold between them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'

export const crowdSize = 6

/** Answers how to give all of them a folder at once, and what each says: `act` is an expression of `module` and `folder`. */
export async function crowd(t: TestContext, module: string, act: string) {
  const script = `
    const module = await import(process.argv[1])
    const act = (folder) => { try { return ${act} } catch (error) { return error.message } }
    process.stdout.write('ready')
    process.stdin.on('data', (folder) => process.stdout.write(String(act(String(folder)))))`
  const all = Array.from({ length: crowdSize }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', script, module]),
  )
  t.after(() => all.forEach((it) => void it.kill('SIGKILL')))
  const said = (): Promise<readonly string[]> =>
    Promise.all(all.map(async ({ stdout }) => String((await once(stdout, 'data'))[0])))
  await said()
  return (folder: string): Promise<readonly string[]> => {
    const answers = said()
    for (const { stdin } of all) stdin.write(folder)
    return answers
  }
}
