import { type Clock, type SessionId, systemClock } from '../../base/core/index.ts'
import type {
  EndReason,
  Replaced,
  SessionEnd,
  SessionRecord,
  SessionStore,
  SessionTimes,
  TokenState,
  Tombstone,
  UserLimit,
  Watch,
} from '../../web/session/index.ts'
import { Changes } from './changes.ts'
import type { Connection } from './connection.ts'
import {
  base64Of,
  bytesOf,
  type Column,
  columnOf,
  idsOf,
  recordOf,
  rowOf,
  textOf,
  type Value,
  valuesOf,
} from './records.ts'
import { lastUsedFirst, liveAt } from './schema.ts'

/** Long enough for every process to read the feed many times over. */
const endsKeptMs = 3600e3

/** Bytes travel as base64: shorter than PostgreSQL's own notation, and the same in every server. */
const record = `id, version, encode(bytes, 'base64'), user_id, authenticated_at, factors, created_at,
  touched_at, expires_at, ends_at, device, parent_id`

/** The statements; `s` stands for the schema, quoted. */
const queriesIn = (s: string) => ({
  create: `SELECT unnest(${s}.create_session($1::text::jsonb, $2, $3, $4, $5, $6))`,
  read: `SELECT t.reason, t.grace_until, t.kept_until, ${record} FROM ${s}.tokens t
    LEFT JOIN ${s}.sessions s ON s.id = t.session_id AND ${liveAt('$2')} WHERE t.hash = $1`,
  readById: `SELECT ${record} FROM ${s}.sessions WHERE id = $1 AND ${liveAt('$2')}`,
  commit: `SELECT ${s}.commit_session($1, $2, decode($3, 'base64'), $4, $5, $6)`,
  touch: `UPDATE ${s}.sessions SET touched_at = greatest(touched_at, $2),
    expires_at = greatest(expires_at, $3) WHERE id = $1 AND ${liveAt('$4')} RETURNING id`,
  rotate: `SELECT ${s}.rotate_token($1, $2, $3, $4, $5, $6)`,
  replace: `SELECT outcome, array_to_json(ended), array_to_json(evicted)
    FROM ${s}.replace_session($1, $2, $3::text::jsonb, $4, $5, $6, $7, $8, $9, $10)`,
  destroy: `SELECT unnest(${s}.destroy_session($1, $2, $3, $4))`,
  listByUser: `SELECT ${record} FROM ${s}.sessions WHERE user_id = $1 AND ${liveAt('$2')}
    ORDER BY ${lastUsedFirst}`,
  destroyByUser: `SELECT unnest(${s}.destroy_by_user($1, $2, $3, $4, $5))`,
  sweep: `SELECT unnest(${s}.sweep($1, $2, $3, $4))`,
  ends: `SELECT position, id, reason FROM ${s}.ends WHERE position > $1 ORDER BY position LIMIT $2`,
  scan: `SELECT ${record} FROM ${s}.sessions WHERE id > $1 AND ${liveAt('$3')}
    ORDER BY id LIMIT $2`,
  putCode: `INSERT INTO ${s}.codes VALUES ($1, decode($2, 'base64'), $3)`,
  readCode: `SELECT encode(bytes, 'base64') FROM ${s}.codes WHERE hash = $1 AND until > $2`,
  takeCode: `DELETE FROM ${s}.codes WHERE hash = $1 RETURNING encode(bytes, 'base64'), until`,
})

type QueryName = keyof ReturnType<typeof queriesIn>

const all = (ids: readonly SessionId[]): readonly SessionId[] => ids

/** The sessions in one schema of PostgreSQL; one round trip a call. */
export class PostgresSessions implements SessionStore {
  readonly answersAtOnce = false
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #changes: Changes
  readonly #queries: Readonly<Record<QueryName, string>>

  constructor(connection: Connection, schema: string, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
    this.#changes = new Changes(connection, schema, systemClock)
    this.#queries = queriesIn(`"${schema}"`)
  }

  watch(changed: (id: SessionId | undefined) => void): Watch {
    const stop = this.#changes.news.watch(changed)
    return { isCurrent: () => this.#changes.isCurrent(), stop }
  }

  async create(
    session: SessionRecord,
    tokenHash: string,
    limit?: UserLimit,
  ): Promise<readonly SessionId[]> {
    const values = [rowOf(session), tokenHash, this.#now(), ...valuesOf(limit)]
    return this.#changing(this.#ids('create', values), all)
  }

  async read(tokenHash: string): Promise<TokenState> {
    const now = this.#clock.nowMs()
    const [row] = await this.#ask('read', [tokenHash, now])
    if (!row) return undefined
    const [reason, graceUntil, keptUntil, ...columns] = row
    const isAccepted = reason === null || Number(graceUntil) > now
    if (!isAccepted)
      return Number(keptUntil) > now
        ? { kind: 'ended', reason: reason as EndReason | 'rotated' }
        : undefined
    // A session that is past its times, but not swept yet.
    if (columns[0] === null) return { kind: 'ended', reason: 'expired' }
    return { kind: 'live', record: recordOf(columns), isReplaced: reason !== null }
  }

  async readById(id: SessionId): Promise<SessionRecord | undefined> {
    const [row] = await this.#ask('readById', [id, this.#now()])
    return row && recordOf(row)
  }

  async commit(
    id: SessionId,
    expectedVersion: number,
    bytes: Uint8Array,
    times?: SessionTimes,
  ): Promise<'committed' | 'conflict' | 'gone'> {
    const { touchedAtMs = null, expiresAtMs = null } = times ?? {}
    const data = base64Of(bytes)
    const values = [id, expectedVersion, data, touchedAtMs, expiresAtMs, this.#now()]
    const outcome = this.#changing(this.#word('commit', values), () => [id])
    return (await outcome) as 'committed' | 'conflict' | 'gone'
  }

  async touch(id: SessionId, { touchedAtMs, expiresAtMs }: SessionTimes): Promise<boolean> {
    const values = [id, touchedAtMs, expiresAtMs, this.#now()]
    const rows = await this.#changing(this.#ask('touch', values), () => [id])
    return rows.length > 0
  }

  async rotate(
    id: SessionId,
    oldHash: string,
    newHash: string,
    { graceUntilMs, untilMs }: { readonly graceUntilMs: number; readonly untilMs: number },
  ): Promise<'rotated' | 'superseded' | 'gone'> {
    const values = [id, oldHash, newHash, graceUntilMs, untilMs, this.#now()]
    const outcome = this.#changing(this.#word('rotate', values), () => [id])
    return (await outcome) as 'rotated' | 'superseded' | 'gone'
  }

  async replace(
    oldId: SessionId,
    expectedVersion: number,
    session: SessionRecord,
    tokenHash: string,
    { reason, untilMs }: Tombstone,
    limit?: UserLimit,
  ): Promise<Replaced> {
    const fresh = [rowOf(session), tokenHash, this.#now()]
    const values = [oldId, expectedVersion, ...fresh, reason, untilMs, ...valuesOf(limit)]
    const rows = await this.#changing(this.#ask('replace', values), ([row]) => [
      ...idsOf(row?.[1]),
      ...idsOf(row?.[2]),
    ])
    const [outcome, ended, evicted] = rows[0] ?? []
    if (outcome !== 'replaced') return { outcome: outcome as 'conflict' | 'gone' }
    return { outcome, ended: idsOf(ended), evicted: idsOf(evicted) }
  }

  async destroy(id: SessionId, { reason, untilMs }: Tombstone): Promise<readonly SessionId[]> {
    return this.#changing(this.#ids('destroy', [id, reason, untilMs, this.#now()]), all)
  }

  async listByUser(userId: string): Promise<readonly SessionRecord[]> {
    return (await this.#ask('listByUser', [userId, this.#now()])).map(recordOf)
  }

  async destroyByUser(
    userId: string,
    { reason, untilMs }: Tombstone,
    except?: SessionId,
  ): Promise<readonly SessionId[]> {
    const values = [userId, except ?? null, reason, untilMs, this.#now()]
    return this.#changing(this.#ids('destroyByUser', values), all)
  }

  async sweep(nowMs: number, limit: number, untilMs: number): Promise<readonly SessionId[]> {
    return this.#changing(this.#ids('sweep', [nowMs, limit, untilMs, nowMs - endsKeptMs]), all)
  }

  async ends(after: number, limit: number): Promise<readonly SessionEnd[]> {
    const rows = await this.#ask('ends', [after, limit])
    return rows.map(([position, id, reason]) => ({
      position: Number(position),
      id: textOf(id),
      reason: reason as EndReason,
    }))
  }

  async scan(after: SessionId | undefined, limit: number): Promise<readonly SessionRecord[]> {
    return (await this.#ask('scan', [after ?? '', limit, this.#now()])).map(recordOf)
  }

  async putCode(codeHash: string, bytes: Uint8Array, untilMs: number): Promise<void> {
    await this.#ask('putCode', [codeHash, base64Of(bytes), untilMs])
  }

  async readCode(codeHash: string): Promise<Uint8Array | undefined> {
    const [row] = await this.#ask('readCode', [codeHash, this.#now()])
    return row && bytesOf(row[0])
  }

  async takeCode(codeHash: string): Promise<Uint8Array | undefined> {
    const [row] = await this.#ask('takeCode', [codeHash])
    const [bytes, until] = row ?? []
    return Number(until) > this.#now() ? bytesOf(bytes) : undefined
  }

  #now(): number {
    return this.#clock.nowMs()
  }

  #changing<Result>(
    write: Promise<Result>,
    changed: (result: Result) => readonly SessionId[],
  ): Promise<Result> {
    return this.#changes.news.after(write, changed)
  }

  async #ids(name: QueryName, values: Value[]): Promise<readonly SessionId[]> {
    return (await this.#ask(name, values)).map(([id]) => textOf(id))
  }

  async #word(name: QueryName, values: Value[]): Promise<Column | undefined> {
    return (await this.#ask(name, values))[0]?.[0]
  }

  async #ask(name: QueryName, values: Value[]): Promise<readonly (readonly Column[])[]> {
    return this.#connection.ask(this.#queries[name], values.map(columnOf))
  }
}
