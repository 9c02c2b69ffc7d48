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
import type { Changes } from './changes.ts'
import type { Argument, Reply, Runner } from './client.ts'
import { idsOf, newRecord, recordOf, recordsOf, userKey } from './records.ts'
import { scripts } from './scripts.ts'

const faults: Readonly<Record<string, string>> = {
  taken: 'The id of the session, or the hash of its token or code, is taken',
  orphan: 'The session to hand over from is not live',
}

/** Every method is one script, so that it happens as a whole or not at all. */
export class ValkeySessions implements SessionStore {
  readonly answersAtOnce = false
  readonly #runner: Runner
  readonly #clock: Clock
  readonly #changes: Changes

  constructor(runner: Runner, clock: Clock, changes: Changes) {
    this.#runner = runner
    this.#clock = clock
    this.#changes = changes
  }

  watch(changed: (id: SessionId | undefined) => void): Watch {
    const stop = this.#changes.news.watch(changed)
    return { isCurrent: () => this.#changes.isCurrent(), stop }
  }

  async create(
    record: SessionRecord,
    tokenHash: string,
    limit?: UserLimit,
  ): Promise<readonly SessionId[]> {
    const created = this.#run('create', ...newRecord(record, tokenHash, limit))
    return idsOf(await this.#changing(created, idsOf))
  }

  async read(tokenHash: string): Promise<TokenState> {
    const reply = await this.#run('read', tokenHash)
    if (reply === null) return undefined
    if (Buffer.isBuffer(reply))
      return { kind: 'ended', reason: String(reply) as EndReason | 'rotated' }
    const isReplaced = (reply as readonly Reply[]).length > 6
    return { kind: 'live', record: recordOf(reply), isReplaced }
  }

  async readById(id: SessionId): Promise<SessionRecord | undefined> {
    const reply = await this.#run('readById', id)
    return reply === null ? undefined : recordOf(reply)
  }

  async commit(
    id: SessionId,
    expectedVersion: number,
    bytes: Uint8Array,
    times?: SessionTimes,
  ): Promise<'committed' | 'conflict' | 'gone'> {
    const { touchedAtMs = '', expiresAtMs = '' } = times ?? {}
    const committed = this.#run('commit', id, expectedVersion, bytes, touchedAtMs, expiresAtMs)
    const reply = await this.#changing(committed, () => [id])
    return String(reply) as 'committed' | 'conflict' | 'gone'
  }

  async touch(id: SessionId, { touchedAtMs, expiresAtMs }: SessionTimes): Promise<boolean> {
    const touched = this.#run('touch', id, touchedAtMs, expiresAtMs)
    return (await this.#changing(touched, () => [id])) === 1
  }

  async rotate(
    id: SessionId,
    oldHash: string,
    newHash: string,
    { graceUntilMs, untilMs }: { readonly graceUntilMs: number; readonly untilMs: number },
  ): Promise<'rotated' | 'superseded' | 'gone'> {
    const rotated = this.#run('rotate', id, oldHash, newHash, graceUntilMs, untilMs)
    const reply = await this.#changing(rotated, () => [id])
    return String(reply) as 'rotated' | 'superseded' | 'gone'
  }

  async replace(
    oldId: SessionId,
    expectedVersion: number,
    record: SessionRecord,
    tokenHash: string,
    { reason, untilMs }: Tombstone,
    limit?: UserLimit,
  ): Promise<Replaced> {
    const added = newRecord(record, tokenHash, limit)
    const replaced = this.#run('replace', ...added, oldId, expectedVersion, reason, untilMs)
    const reply = await this.#changing(replaced, (lists) =>
      Buffer.isBuffer(lists) ? [] : (lists as readonly Reply[]).flatMap(idsOf),
    )
    if (Buffer.isBuffer(reply)) return { outcome: String(reply) as 'conflict' | 'gone' }
    const [ended, evicted] = (reply as readonly Reply[]).map(idsOf)
    return { outcome: 'replaced', ended: ended ?? [], evicted: evicted ?? [] }
  }

  async destroy(id: SessionId, { reason, untilMs }: Tombstone): Promise<readonly SessionId[]> {
    return idsOf(await this.#changing(this.#run('destroy', id, reason, untilMs), idsOf))
  }

  async listByUser(userId: string): Promise<readonly SessionRecord[]> {
    return recordsOf(await this.#run('listByUser', userKey(userId)))
  }

  async destroyByUser(
    userId: string,
    { reason, untilMs }: Tombstone,
    except: SessionId = '',
  ): Promise<readonly SessionId[]> {
    const destroyed = this.#run('destroyByUser', userKey(userId), reason, untilMs, except)
    return idsOf(await this.#changing(destroyed, idsOf))
  }

  async sweep(nowMs: number, limit: number, untilMs: number): Promise<readonly SessionId[]> {
    return idsOf(await this.#changing(this.#run('sweep', nowMs, limit, untilMs), idsOf))
  }

  async ends(after: number, limit: number): Promise<readonly SessionEnd[]> {
    const entries = (await this.#run('ends', after, limit)) as readonly [Buffer, Buffer[]][]
    return entries.map(([position, [, id, , reason]]) => ({
      position: Number.parseInt(String(position), 10),
      id: String(id),
      reason: String(reason) as EndReason,
    }))
  }

  /** Many that are past their times and not swept yet take more than one script to step over. */
  async scan(after: SessionId | undefined, limit: number): Promise<readonly SessionRecord[]> {
    const found: SessionRecord[] = []
    for (let from: string | undefined = after ?? ''; from !== undefined; ) {
      const reply: Reply = await this.#run('scan', from, limit - found.length)
      const [next, records] = reply as [Buffer | null, Reply]
      found.push(...recordsOf(records))
      from = next === null || found.length >= limit ? undefined : String(next)
    }
    return found
  }

  async putCode(codeHash: string, bytes: Uint8Array, untilMs: number): Promise<void> {
    await this.#run('putCode', codeHash, bytes, untilMs)
  }

  async readCode(codeHash: string): Promise<Uint8Array | undefined> {
    return ((await this.#run('readCode', codeHash)) as Buffer | null) ?? undefined
  }

  async takeCode(codeHash: string): Promise<Uint8Array | undefined> {
    return ((await this.#run('takeCode', codeHash)) as Buffer | null) ?? undefined
  }

  #changing(
    write: Promise<Reply>,
    changed: (reply: Reply) => readonly SessionId[],
  ): Promise<Reply> {
    return this.#changes.news.after(write, changed)
  }

  async #run(name: keyof typeof scripts, ...values: readonly Argument[]): Promise<Reply> {
    const reply = await this.#runner.run(scripts[name], this.#clock.nowMs(), ...values)
    const isBytes = name === 'takeCode' || name === 'readCode'
    const fault = Buffer.isBuffer(reply) && !isBytes && faults[String(reply)]
    if (fault) throw new Error(fault)
    return reply
  }
}
