import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { limits } from '../../base/core/index.ts'
import { openSqlite, type Sqlite } from '../../stores/sqlite/index.ts'
import { type VirtualClock, virtualClock } from '../../testing/index.ts'
import { type TicketOptions, Tickets } from './tickets.ts'

let data: string
let store: Sqlite
let clock: VirtualClock
let tickets: Tickets

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'sojourn-tickets-'))
  store = openSqlite({ data })
  clock = virtualClock()
  tickets = over(store)
})
afterEach(() => {
  store.close()
  rmSync(data, { recursive: true })
})

const over = (from: Sqlite): Tickets =>
  new Tickets({
    store: from.tickets(),
    isBackend: (name) => name === 'board',
    clock,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  })
const here = { backend: 'board', key: 'x' }
const invalid = expect.objectContaining({ code: 'TICKET_INVALID' })

describe('a ticket', () => {
  it('stands for what it was made for, once', async () => {
    const one = await tickets.issue({ ...here, session: 's_1' })
    const other = await tickets.issue({ ...here, grant: { seat: 3 }, user: 'Ünal' })
    expect(one).not.toBe(other)
    expect(await tickets.redeem(other, here)).toEqual({ grant: { seat: 3 }, user: 'Ünal' })
    expect(await tickets.redeem(one, here)).toEqual({ session: 's_1' })
    for (const used of [one, other])
      await expect(tickets.redeem(used, here)).rejects.toEqual(invalid)
  })

  it('is worth something to one of many, in whatever process', async () => {
    const second = openSqlite({ data })
    const ticket = await tickets.issue({ ...here, grant: 1 })
    const doors = Array.from({ length: 20 }, (_, n) => (n % 2 ? tickets : over(second)))
    const outcomes = await Promise.allSettled(doors.map((door) => door.redeem(ticket, here)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    second.close()
  })

  it.each([
    ['backend', { backend: 'other', key: 'x' }],
    ['key', { backend: 'board', key: 'y' }],
  ])('is used up at another %s', async (_, elsewhere) => {
    const ticket = await tickets.issue({ ...here, grant: 1 })
    await expect(tickets.redeem(ticket, elsewhere)).rejects.toEqual(invalid)
    await expect(tickets.redeem(ticket, here)).rejects.toEqual(invalid)
  })

  it('lives for its time, and is forgotten then', async () => {
    const [brief, usual] = [
      await tickets.issue({ ...here, grant: 1, ttlMs: 5 }),
      await tickets.issue({ ...here, grant: 2 }),
    ]
    clock.advance(5)
    await expect(tickets.redeem(brief, here)).rejects.toEqual(invalid)
    clock.advance(limits.ticketMs - 6)
    expect(await tickets.redeem(usual, here)).toEqual({ grant: 2 })
    await tickets.issue({ ...here, grant: 3 })
    clock.advance(limits.ticketMs)
    await tickets.sweep()
    expect(rows()).toEqual([])
  })

  it('is 256 bits of chance, and not in the file', async () => {
    const ticket = await tickets.issue({ ...here, grant: 1 })
    expect(ticket).toMatch(/^sjt_[A-Za-z0-9_-]{43}$/)
    expect(JSON.stringify(rows())).not.toContain(ticket.slice(4))
    expect(rows()).toHaveLength(1)
  })

  it.each(['', 'sjt_', 'x'.repeat(100_000), `sjs_${'A'.repeat(43)}`, "' OR 1=1 --"])(
    'is not %s',
    async (text) => {
      await tickets.issue({ ...here, grant: 1 })
      await expect(tickets.redeem(text, here)).rejects.toEqual(invalid)
    },
  )

  it('is made in bounded numbers', async () => {
    for (let n = 0; n < limits.ticketsMax; n += 1)
      await tickets.issue({ ...here, grant: { n }, ttlMs: 1_000 })
    const full = expect.objectContaining({ code: 'TICKETS_TOO_MANY' })
    await expect(tickets.issue({ ...here, grant: 1 })).rejects.toEqual(full)
    clock.advance(1_000)
    await tickets.sweep()
    await tickets.issue({ ...here, grant: 1 })
  })

  it.each<[string, object, typeof TypeError | typeof RangeError]>([
    ['an unknown backend', { backend: 'nope', grant: 1 }, TypeError],
    ['a bad key', { key: 'a/b', grant: 1 }, TypeError],
    ['nobody', {}, TypeError],
    ['a session and a grant', { session: 's', grant: 1 }, TypeError],
    ['a session and a user', { session: 's', user: 'ada' }, TypeError],
    ['a session without an id', { session: undefined }, TypeError],
    ['a grant of nothing', { grant: null }, TypeError],
    ['a grant that is no JSON', { grant: () => {} }, TypeError],
    ['no time', { grant: 1, ttlMs: 0 }, RangeError],
    ['a long time', { grant: 1, ttlMs: limits.ticketMsMax + 1 }, RangeError],
    ['no number', { grant: 1, ttlMs: Number.NaN }, RangeError],
  ])('is not made for %s', async (_, options, kind) => {
    await expect(tickets.issue({ ...here, ...options } as TicketOptions)).rejects.toThrow(kind)
  })
})

function rows(): unknown[] {
  const db = new DatabaseSync(join(data, 'sessions.db'), { readOnly: true })
  const found = db.prepare('SELECT * FROM tickets').all()
  db.close()
  return found
}
