/** Canaries: what is secret is looked for wherever it must not be. */
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { connect } from '../../src/client/index.ts'
import {
  childrenOf,
  freePort,
  instancesOf,
  type Running,
  run,
  scratchFolder,
  until,
} from '../e2e/scratch.ts'
import type log from './backends/log.ts'

const data = scratchFolder()
const canaries = { payload: 'canary-payload-7f3a', environment: 'canary-environment-91bc' }
let server: Running
let port: number
let token = ''
const answers: string[] = []

beforeAll(async () => {
  port = await freePort()
  const script = new URL('./server-main.ts', import.meta.url).pathname
  server = await run(script, {
    cwd: data.path,
    args: [data.path, String(port)],
    env: { DATABASE_PASSWORD: canaries.environment },
    ready: /listening/,
  })
  const origin = `http://localhost:${port}`
  const login = await fetch(`${origin}/login?secret=${canaries.payload}`)
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  token = cookie.split('=')[1] ?? ''
  const open = (url: string) => new WebSocket(url, { origin, headers: { cookie } }) as never
  const live = connect<typeof log>(`ws://localhost:${port}/live/log/a`, { open })
  await live.actions.append(canaries.payload)
  // Everything that is refused, fails or breaks, so that it is told of.
  await live.actions.appendThenThrow().catch((error: Error) => answers.push(String(error)))
  for (const { pid } of instancesOf(server.pid)) process.kill(pid, 'SIGKILL')
  await until(() => live.status === 'live' && live.state?.starts === 2, 'back')
  for (const path of [
    '/fail',
    '/live/log/a',
    '/live/nope/a',
    '/live/log/%2e%2e',
    '/live/log/a/http?entry=x',
  ]) {
    const answer = await fetch(origin + path, { headers: { cookie } })
    answers.push(await answer.text(), JSON.stringify([...answer.headers]))
  }
  const garbled = new WebSocket(`ws://localhost:${port}/live/log/a`, {
    origin,
    headers: { cookie },
  })
  await once(garbled, 'open')
  garbled.send(canaries.payload)
  answers.push(String((await once(garbled, 'close'))[1]))
  live.close()
})
afterAll(async () => {
  await server.end('SIGKILL')
  data.remove()
})

const secrets = (): string[] => [token, canaries.payload]
const found = (text: string, words: readonly string[]): string[] =>
  words.filter((word) => text.includes(word))

describe('I29, F70, F74: secrets', () => {
  it('are there to be found', () => {
    expect(token.length).toBeGreaterThan(40)
    expect(answers.length).toBeGreaterThan(8)
    expect(instancesOf(server.pid)).toHaveLength(1)
  })

  it('I29: are in no log and no answer about an error', () => {
    expect(found(server.output(), [...secrets(), canaries.environment])).toEqual([])
    expect(found(answers.join('\n'), [...secrets(), canaries.environment])).toEqual([])
  })

  it('I29: are in no arguments of a process, and in the environment of no instance', () => {
    const all = [...childrenOf(server.pid).map(({ pid }) => pid), server.pid]
    const read = (pid: number, what: string) => readFileSync(`/proc/${pid}/${what}`, 'utf8')
    const words = [...secrets(), canaries.environment]
    expect(all.flatMap((pid) => found(read(pid, 'cmdline'), words))).toEqual([])
    const instances = instancesOf(server.pid)
    expect(instances.flatMap(({ pid }) => found(read(pid, 'environ'), words))).toEqual([])
  })

  it('I29: a token is in no file, and the files belong to their user alone', async () => {
    const files = readdirSync(data.path, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    )
    const paths = files.map(({ parentPath, name }) => join(parentPath, name))
    expect(paths.some((path) => path.endsWith('journal.db'))).toBe(true)
    expect(paths.filter((path) => readFileSync(path).includes(token))).toEqual([])
    // The payload is what the journal is for.
    expect(
      paths
        .filter((path) => readFileSync(path).includes(canaries.payload))
        .every((path) => /(journal|sessions)\.db/.test(path)),
    ).toBe(true)
  })
})
