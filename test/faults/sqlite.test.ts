/** Two processes write to one file of sessions, and one after the other is killed amid it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, expect, it } from 'vitest'
import { openSqlite } from '../../src/stores/sqlite/index.ts'
import { openSessions } from '../../src/web/index.ts'
import { scratchFolder } from '../e2e/scratch.ts'

const killings = 100
const folder = scratchFolder()
const sqlite = openSqlite({ data: folder.path })
const sessions = openSessions<Record<string, number>>({
  store: sqlite.sessions(),
  development: { port: 3000 },
})
const running = new Set<ChildProcess>()

afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
  sqlite.close()
  folder.remove()
})

const facts = (cookie?: string) => ({
  method: 'POST',
  headers: { host: 'localhost:3000', ...(cookie && { cookie }) },
  isTls: false,
})

async function newCookie(): Promise<string> {
  const visit = await sessions.visit(facts())
  visit.session.data['begun'] = 1
  await visit.commit()
  const cookie = new Map(visit.start()).get('set-cookie') ?? ''
  return cookie.split(';')[0] ?? ''
}

/** A writer, and the last count that it was answered. */
function startWriter(cookie: string, name: string) {
  const script = new URL('./writer.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, folder.path, cookie, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.add(child)
  const seen = { answered: 0 }
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = String(chunk).trim().split('\n')
    seen.answered = Math.max(seen.answered, Number(lines.at(-1)))
  })
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await once(child, 'close')
    running.delete(child)
  }
  return { seen, kill, ready: once(child.stdout, 'data') }
}

it(`loses no answered write in ${killings} kills, and keeps the file whole`, async () => {
  const cookie = await newCookie()
  const acknowledged: Record<string, number> = { a: 0, b: 0 }
  let survivor = startWriter(cookie, 'b')
  for (let round = 0; round < killings; round += 1) {
    const name = round % 2 === 0 ? 'a' : 'b'
    const next = startWriter(cookie, name)
    await Promise.all([next.ready, survivor.ready])
    await pause(Math.random() * 10)
    // The one that wrote beside it goes, the new one stays.
    const other = name === 'a' ? 'b' : 'a'
    await survivor.kill()
    acknowledged[other] = Math.max(acknowledged[other] ?? 0, survivor.seen.answered)
    survivor = next
    const { data } = (await sessions.visit(facts(cookie))).session
    expect(data[other]).toBeGreaterThanOrEqual(acknowledged[other] ?? 0)
  }
  await survivor.kill()
  const { data } = (await sessions.visit(facts(cookie))).session
  console.log(`acknowledged ${JSON.stringify(acknowledged)}, stored ${JSON.stringify(data)}`)
  expect(acknowledged['a']).toBeGreaterThan(killings)
  const file = new DatabaseSync(join(folder.path, 'sessions.db'))
  expect(file.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
  file.close()
})
