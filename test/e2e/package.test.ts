/** The package as a user gets it: packed, installed into an empty folder, the README's program run. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { freePort, type Running, run, scratchFolder } from './scratch.ts'

const root = new URL('../../', import.meta.url)
const folder = scratchFolder()
let server: Running | undefined

afterAll(async () => {
  await server?.end()
  folder.remove()
})

/** The README's programs by the file name in their first line. */
function programs(): Map<string, string> {
  const readme = readFileSync(new URL('README.md', root), 'utf8')
  const blocks = [...readme.matchAll(/```ts\n\/\/ (\S+\.ts)[^\n]*\n([\s\S]*?)```/g)]
  return new Map(blocks.map(([, name = '', code = '']) => [name, code]))
}

/** The README's own words, with the packed tarball in place of the name. */
function install(): void {
  const pack = ['pack', '--ignore-scripts', '--pack-destination', folder.path]
  execFileSync('npm', pack, { cwd: root, stdio: 'pipe' })
  const tarball = readdirSync(folder.path).find((name) => name.endsWith('.tgz')) ?? ''
  const readme = readFileSync(new URL('README.md', root), 'utf8')
  const [, commands = ''] = /```sh\n(npm init[^\n]*)\n```/.exec(readme) ?? []
  expect(commands).toContain('npm install sojourn')
  const line = commands.replace('npm install sojourn', `npm install --no-audit ./${tarball}`)
  execFileSync('sh', ['-c', line], { cwd: folder.path, stdio: 'pipe' })
}

describe('the package', () => {
  it('runs the first program of the README as printed', async () => {
    install()
    const port = await freePort()
    const lines = [...programs().values()]
      .join('')
      .trim()
      .split('\n')
      .filter((line) => line.trim())
    expect(lines.length).toBeLessThanOrEqual(25)
    for (const [name, code] of programs()) {
      writeFileSync(join(folder.path, name), code.replaceAll('3000', String(port)))
    }
    server = await run('server.ts', { cwd: folder.path, ready: /development/ })
    const origin = `http://localhost:${port}`
    await waitForAnswer(origin)
    const first = await fetch(origin)
    expect(await first.text()).toContain('Your visits: 1')
    const cookie = first.headers.getSetCookie()[0]?.split(';')[0] ?? ''
    expect(await (await fetch(origin, { headers: { cookie } })).text()).toContain('Your visits: 2')
    await countClicks(`${origin}/live/client.js`, port)
  })
})

async function waitForAnswer(origin: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await fetch(origin).catch(() => undefined)
    if (answer) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${origin} does not answer`)
}

/** Two clients, as two browsers would be, with the client that the server itself serves. */
async function countClicks(script: string, port: number): Promise<void> {
  const path = join(folder.path, 'client.mjs')
  writeFileSync(path, await (await fetch(script)).text())
  const { connect } = (await import(path)) as typeof import('../../src/client/index.ts')
  const [one, two] = [0, 1].map(() => connect(`ws://localhost:${port}/live/counter/all`))
  const actions = one?.actions as unknown as { click(): Promise<number> }
  expect(await actions.click()).toBe(1)
  expect(await actions.click()).toBe(2)
  await expect.poll(() => two?.state).toEqual({ clicks: 2 })
  one?.close()
  two?.close()
}
