import type { Clock, SessionId } from '../../base/core/index.ts'
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
import type { Connection } from './connection.ts'
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
type Column = string | null

/** The sessions in one schema of PostgreSQL; one round trip a call. */
export class PostgresSessions implements SessionStore {
  readonly answersAtOnce = false
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #queries: Readonly<Record<QueryName, string>>

  constructor(connection: Connection, schema: string, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
    this.#queries = queriesIn(`"${schema}"`)
  }

  watch(_changed: (id: SessionId | undefined) => void): Watch {
    return { isCurrent: () => false }
  }

  async create(
    session: SessionRecord,
    tokenHash: string,
    limit?: UserLimit,
  ): Promise<readonly SessionId[]> {
    return this.#ids('create', [rowOf(session), tokenHash, this.#now(), ...valuesOf(limit)])
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
    return (await this.#word('commit', values)) as 'committed' | 'conflict' | 'gone'
  }

  async touch(id: SessionId, { touchedAtMs, expiresAtMs }: SessionTimes): Promise<boolean> {
    const rows = await this.#ask('touch', [id, touchedAtMs, expiresAtMs, this.#now()])
    return rows.length > 0
  }

  async rotate(
    id: SessionId,
    oldHash: string,
    newHash: string,
    { graceUntilMs, untilMs }: { readonly graceUntilMs: number; readonly untilMs: number },
  ): Promise<'rotated' | 'superseded' | 'gone'> {
    const values = [id, oldHash, newHash, graceUntilMs, untilMs, this.#now()]
    return (await this.#word('rotate', values)) as 'rotated' | 'superseded' | 'gone'
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
    const [row] = await this.#ask('replace', values)
    const [outcome, ended, evicted] = row ?? []
    if (outcome !== 'replaced') return { outcome: outcome as 'conflict' | 'gone' }
    return { outcome, ended: idsOf(ended), evicted: idsOf(evicted) }
  }

  async destroy(id: SessionId, { reason, untilMs }: Tombstone): Promise<readonly SessionId[]> {
    return this.#ids('destroy', [id, reason, untilMs, this.#now()])
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
    return this.#ids('destroyByUser', values)
  }

  async sweep(nowMs: number, limit: number, untilMs: number): Promise<readonly SessionId[]> {
    return this.#ids('sweep', [nowMs, limit, untilMs, nowMs - endsKeptMs])
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

type Value = string | number | null

/** The columns of a user's limit, after those that every statement with one has. */
function valuesOf(limit: UserLimit | undefined): Value[] {
  if (!limit) return [null, null, null]
  return [limit.sessionsMax, limit.tombstone.reason, limit.tombstone.untilMs]
}

/** A session as a row of its table, in JSON. */
function rowOf(session: SessionRecord): string {
  const { user } = session
  return JSON.stringify({
    id: columnOf(session.id),
    version: session.version,
    bytes: `\\x${Buffer.from(session.bytes).toString('hex')}`,
    user_id: columnOf(user?.id ?? null),
    authenticated_at: columnOf(user?.authenticatedAtMs ?? null),
    factors: user ? JSON.stringify(user.factors) : null,
    created_at: columnOf(session.createdAtMs),
    touched_at: columnOf(session.touchedAtMs),
    expires_at: columnOf(session.expiresAtMs),
    ends_at: columnOf(session.endsAtMs),
    device: columnOf(session.device ?? null),
    parent_id: columnOf(session.parentId ?? null),
  })
}

function recordOf(columns: readonly Column[]): SessionRecord {
  const [id, version, bytes, userId, authenticatedAt, factors, created, touched, expires, ends] =
    columns
  const [device, parentId] = columns.slice(10)
  const user = typeof userId === 'string' && {
    id: textOf(userId),
    authenticatedAtMs: Number(authenticatedAt),
    factors: JSON.parse(factors ?? '[]') as readonly string[],
  }
  return {
    id: textOf(id),
    version: Number(version),
    bytes: bytesOf(bytes),
    user: user || undefined,
    createdAtMs: Number(created),
    touchedAtMs: Number(touched),
    expiresAtMs: Number(expires),
    endsAtMs: Number(ends),
    device: typeof device === 'string' ? textOf(device) : undefined,
    parentId: typeof parentId === 'string' ? textOf(parentId) : undefined,
  }
}

/**
 * PostgreSQL has no text with U+0000, and no bigint with a fraction. Ids may come from a client:
 * what can't be stored as it is must not be a fault, nor another one's id.
 */
function columnOf(value: Value): Column {
  if (value === null) return null
  if (typeof value === 'number') return String(Math.floor(value))
  return value.replaceAll('\u0001', '\u0001e').replaceAll('\u0000', '\u0001n')
}

function textOf(column: Column | undefined): string {
  return (column ?? '').replaceAll('\u0001n', '\u0000').replaceAll('\u0001e', '\u0001')
}

function idsOf(json: Column | undefined): readonly SessionId[] {
  return (JSON.parse(json ?? '[]') as string[]).map(textOf)
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

function bytesOf(base64: Column | undefined): Uint8Array {
  return Buffer.from(base64 ?? '', 'base64')
}
