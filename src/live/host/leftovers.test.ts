import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../base/core/index.ts'
import { openRegister, startOf } from './leftovers.ts'
import { killGroup, type Register } from './spawn.ts'

let data: string
let register: Register
const started: number[] = []

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'sojourn-leftovers-'))
  register = await openRegister(data, silentLog)
})
afterEach(() => {
  for (const pid of started.splice(0)) killGroup(pid)
  rmSync(data, { recursive: true })
})

const noteFile = (pid: number): string => join(data, 'processes', String(pid))
const notes = (): string[] => readdirSync(join(data, 'processes'))

/** A process that leads a group of two, and ignores what can be ignored. */
async function spinner(): Promise<{ pid: number; child: number }> {
  const script = "trap '' TERM INT HUP; sleep 1000 & echo $!; while :; do :; done"
  const leader = spawn('sh', ['-c', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const { pid = 0 } = leader
  started.push(pid)
  const [child] = (await once(leader.stdout, 'data')) as [Buffer]
  return { pid, child: Number(child) }
}

function change(pid: number, by: Record<string, unknown>): void {
  const note = JSON.parse(readFileSync(noteFile(pid), 'utf8')) as Record<string, unknown>
  writeFileSync(noteFile(pid), JSON.stringify({ ...note, ...by }))
}

describe.runIf(process.platform === 'linux')('the register of processes', () => {
  it('lets the next host end what a dead one left, with all that it started', async () => {
    const { pid, child } = await spinner()
    register.add(pid)
    await openRegister(data, silentLog)
    expect([startOf(pid), startOf(child), notes()]).toEqual([undefined, undefined, []])
  })

  it('I6, F3: finds what one started that ended with its host, also what left its group', async () => {
    const script = '(sleep 1000 & echo $!); setsid sh -c "sleep 1000 & echo \\$!"; read line'
    const leader = spawn('sh', ['-c', script], {
      detached: true,
      env: { ...process.env, ...register.env },
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    let said = ''
    for await (const text of leader.stdout) {
      said += text
      if (said.split('\n').length > 2) break
    }
    const children = said.trim().split('\n').map(Number)
    register.add(leader.pid ?? 0)
    leader.kill('SIGKILL')
    await once(leader, 'exit')
    expect(children.map(startOf)).not.toContain(undefined)
    const other = await spinner()
    await openRegister(data, silentLog)
    expect(children.map(startOf)).toEqual([undefined, undefined])
    expect(startOf(other.pid)).toBeDefined()
  })

  it.each<[string, Record<string, unknown>]>([
    ['whose id was given again', { start: '1' }],
    ['of another boot', { boot: 'an earlier one' }],
    ['that is no process', { pid: 1 }],
    ['without a start', { start: undefined }],
  ])('never touches one %s', async (_, by) => {
    const { pid, child } = await spinner()
    register.add(pid)
    change(pid, by)
    await openRegister(data, silentLog)
    expect([startOf(pid), startOf(child)]).not.toContain(undefined)
    expect(notes()).toEqual([])
  })

  it('lets run what it cannot note', async () => {
    const { pid } = await spinner()
    rmSync(join(data, 'processes'), { recursive: true })
    register.add(pid)
    register.remove(pid)
    expect(startOf(pid)).toBeDefined()
  })

  it('forgets those that ended, and does not stumble over half a note', async () => {
    const { pid } = await spinner()
    register.add(pid)
    expect(notes()).toEqual([String(pid)])
    register.remove(pid)
    register.remove(pid)
    expect(notes()).toEqual([])
    writeFileSync(noteFile(7), '{"boot":')
    await openRegister(data, silentLog)
    expect(notes()).toEqual([])
  })
})
