/** All stores do the same: random calls on a few names, each answer compared. */
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { RedisServer } from '../../test/fakes/redis-server.ts'
import type { SessionId } from '../base/core/index.ts'
import { virtualClock } from '../testing/index.ts'
import type {
  SessionRecord,
  SessionStore,
  SessionTimes,
  Tombstone,
  UserLimit,
} from '../web/session/index.ts'
import { openMemory } from './memory/index.ts'
import { openSqlite } from './sqlite/index.ts'
import { openValkey } from './valkey/index.ts'

let server: RedisServer
beforeAll(async () => {
  server = await RedisServer.start()
})
afterAll(() => server?.stop())

interface Values {
  readonly id: SessionId
  readonly other: SessionId | undefined
  readonly userId: string
  readonly version: number
  readonly count: number
  readonly nowMs: number
  readonly bytes: Uint8Array
  readonly times: SessionTimes
  readonly tombstone: Tombstone
  readonly grace: { readonly graceUntilMs: number; readonly untilMs: number }
  readonly made: SessionRecord
  readonly limit: UserLimit | undefined
  /** A token or code that nobody had. */
  readonly fresh: string
  readonly token: string
}
type Call = (store: SessionStore, values: Values) => unknown

const calls: Readonly<Record<string, Call>> = {
  create: (store, { made, fresh, limit }) => store.create(made, fresh, limit),
  read: (store, { token }) => store.read(token),
  readById: (store, { id }) => store.readById(id),
  commit: (store, { id, version, bytes, times, limit }) =>
    store.commit(id, version, bytes, limit ? times : undefined),
  touch: (store, { id, times }) => store.touch(id, times),
  rotate: (store, { id, token, fresh, grace }) => store.rotate(id, token, fresh, grace),
  replace: (store, { id, version, made, fresh, tombstone, limit }) =>
    store.replace(id, version, made, fresh, tombstone, limit),
  destroy: (store, { id, tombstone }) => store.destroy(id, tombstone),
  listByUser: (store, { userId }) => store.listByUser(userId),
  destroyByUser: (store, { userId, tombstone, other }) =>
    store.destroyByUser(userId, tombstone, other),
  sweep: (store, { nowMs, tombstone }) => store.sweep(nowMs, 10, tombstone.untilMs),
  scan: (store, { other, count }) => store.scan(other, count),
  putCode: (store, { fresh, bytes, tombstone }) => store.putCode(fresh, bytes, tombstone.untilMs),
  takeCode: (store, { token }) => store.takeCode(token),
}

const usual = ['create', 'create', 'create', 'rotate', 'rotate', 'read', 'read', 'commit']
const spans = fc.constantFrom(10, 50, 200, 500, 1_000)

/** One of the last ones that were made; names are new each time, since random ones never repeat. */
const back = fc.integer({ min: 1, max: 8 })

/** One call with all that any call may need. */
const steps = fc.record({
  name: fc.constantFrom(...usual, ...Object.keys(calls)),
  waitMs: fc.constantFrom(0, 0, 0, 1, 1, 20),
  idBack: back,
  otherBack: fc.option(back, { nil: undefined, freq: 2 }),
  tokenBack: back,
  userId: fc.constantFrom('ada', 'ada', 'bob', ''),
  isNobody: fc.boolean(),
  version: fc.constantFrom(1, 1, 1, 2, 3),
  count: fc.integer({ min: 1, max: 4 }),
  isLimited: fc.boolean(),
  reason: fc.constantFrom('logout', 'login', 'revoked' as const),
  idleMs: spans,
  keptMs: spans,
})
type Step = ReturnType<typeof steps.generate>['value']

interface Known {
  readonly ids: SessionId[]
  readonly tokens: string[]
}

function valuesOf(step: Step, index: number, nowMs: number, { ids, tokens }: Known): Values {
  const { userId, version, reason, idleMs, keptMs, count } = step
  const id = ids.at(-step.idBack) ?? 's_unknown'
  const { otherBack } = step
  const other = otherBack === undefined ? undefined : (ids.at(-otherBack) ?? 's_unknown')
  const times = { touchedAtMs: nowMs, expiresAtMs: nowMs + idleMs }
  const tombstone = { reason, untilMs: nowMs + keptMs }
  const bytes = Uint8Array.of(index, 0, 255)
  const made = {
    id: `s_${index}`,
    version: 1,
    bytes,
    user: step.isNobody ? undefined : { id: userId, authenticatedAtMs: nowMs, factors: ['x'] },
    createdAtMs: nowMs,
    ...times,
    endsAtMs: nowMs + 2 * keptMs,
    device: undefined,
    parentId: other,
  }
  return {
    ...{ id, other, userId, version, count, times, tombstone, bytes, made, nowMs },
    fresh: `h${index}`,
    token: tokens.at(-step.tokenBack) ?? 'unknown',
    // When a rotated token that is past its time is forgotten is the store's own.
    grace: { graceUntilMs: nowMs + idleMs, untilMs: nowMs + 1e6 },
    limit: step.isLimited ? { sessionsMax: count, tombstone } : undefined,
  }
}

/** What counts of an answer: the order of ids that ended in one step is the store's own. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value))
    return value.every((one) => typeof one === 'string') ? value.toSorted() : value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]))
}

async function answerOf(store: SessionStore, name: string, values: Values): Promise<unknown> {
  try {
    return plain(await calls[name]?.(store, values))
  } catch {
    return 'a fault'
  }
}

function remember({ ids, tokens }: Known, name: string, values: Values, answer: unknown): void {
  const isReplaced = (answer as { outcome?: string } | undefined)?.outcome === 'replaced'
  const isMade = (name === 'create' && answer !== 'a fault') || isReplaced
  if (isMade) ids.push(values.made.id)
  if (isMade || answer === 'rotated' || name === 'putCode') tokens.push(values.fresh)
}

async function endsOf(store: SessionStore): Promise<readonly string[]> {
  const ends = await store.ends(0, 10_000)
  return ends.map(({ id, reason }) => `${id} ${reason}`).toSorted()
}

it('all stores give the same answers', { timeout: 120_000 }, async () => {
  let runs = 0
  const property = async (script: readonly Step[]): Promise<void> => {
    const clock = virtualClock()
    const sqlite = openSqlite({ data: ':memory:', clock })
    const valkey = await openValkey({ url: server.url, prefix: `${runs++}{sojourn}`, clock })
    const expected = sqlite.sessions()
    const known: Known = { ids: [], tokens: [] }
    const others = [openMemory({ clock }).sessions(), valkey.sessions()]
    try {
      for (const [index, step] of script.entries()) {
        clock.advance(step.waitMs)
        const values = valuesOf(step, index, clock.nowMs(), known)
        const answer = await answerOf(expected, step.name, values)
        remember(known, step.name, values, answer)
        for (const store of others) expect(await answerOf(store, step.name, values)).toEqual(answer)
      }
      for (const store of others) expect(await endsOf(store)).toEqual(await endsOf(expected))
    } finally {
      sqlite.close()
      await valkey.close()
    }
  }
  const scripts = fc.array(steps, { minLength: 30, maxLength: 100, size: 'max' })
  await fc.assert(fc.asyncProperty(scripts, property), { numRuns: 100 })
})
