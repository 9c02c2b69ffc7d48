import type { SessionId } from '../../base/core/index.ts'
import type { EndReason, Tombstone } from '../../web/session/index.ts'
import { Deadlines } from './deadlines.ts'

/** Current (no `reason`), accepted for a while (`rotated`, in its grace), or a tombstone. */
export interface Token {
  readonly sessionId: SessionId
  readonly reason?: EndReason | 'rotated'
  readonly graceUntilMs?: number
  readonly keptUntilMs?: number
}

/** What the hashes of tokens lead to, at most `retiredMax` of them to what they no longer are. */
export class Tokens {
  readonly #retiredMax: number
  readonly #tokens = new Map<string, Token>()
  readonly #bySession = new Map<SessionId, Set<string>>()
  readonly #retired = new Deadlines()

  constructor(retiredMax: number) {
    this.#retiredMax = retiredMax
  }

  get(hash: string): Token | undefined {
    return this.#tokens.get(hash)
  }

  add(hash: string, sessionId: SessionId): void {
    this.#tokens.set(hash, { sessionId })
    const hashes = this.#bySession.get(sessionId) ?? new Set()
    this.#bySession.set(sessionId, hashes.add(hash))
  }

  rotate(hash: string, graceUntilMs: number, keptUntilMs: number): void {
    this.#retire(hash, { reason: 'rotated', graceUntilMs, keptUntilMs })
  }

  /** All tokens of a session become tombstones. */
  bury(sessionId: SessionId, { reason, untilMs }: Tombstone): void {
    const hashes = this.#bySession.get(sessionId) ?? []
    this.#bySession.delete(sessionId)
    for (const hash of hashes) this.#retire(hash, { reason, keptUntilMs: untilMs })
  }

  forget(nowMs: number, limit: number): void {
    for (const hash of this.#retired.due(nowMs, limit)) this.#delete(hash)
  }

  #retire(hash: string, state: Omit<Token, 'sessionId'> & { readonly keptUntilMs: number }): void {
    const { sessionId } = this.#tokens.get(hash) as Token
    this.#tokens.set(hash, { sessionId, ...state })
    this.#retired.set(hash, state.keptUntilMs)
    // Beyond the bound a visitor of long ago is a stranger early, instead of one who has left.
    if (this.#retired.size > this.#retiredMax) this.forget(Number.POSITIVE_INFINITY, 1)
  }

  #delete(hash: string): void {
    const sessionId = this.#tokens.get(hash)?.sessionId
    this.#tokens.delete(hash)
    this.#retired.delete(hash)
    if (sessionId !== undefined) this.#bySession.get(sessionId)?.delete(hash)
  }
}
