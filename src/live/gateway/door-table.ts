/** Who is at the door or behind it: every connection, by id and by session. */
import type { Duplex } from 'node:stream'
import { type ErrorCode, limits, SojournError } from '../../base/core/index.ts'
import type { InstanceName } from '../../base/protocol/index.ts'

/** One connection, from its request to its end. */
export interface Visit {
  readonly id: string
  /** The door's own descriptor; gone once an instance has adopted the socket. */
  socket: Duplex | undefined
  session: string | undefined
  user: string | undefined
  /** Whose instance it was handed to. */
  name?: InstanceName
  /** True once an instance has taken the socket. */
  adopted?: boolean
  /** Set when its session ended. */
  ended?: ErrorCode
  /** Answers on the door's own descriptor, as long as nobody adopted the socket. */
  refuse?: (error: SojournError) => void
}

export class DoorTable {
  readonly #visits = new Map<string, Visit>()
  readonly #bySession = new Map<string, Set<Visit>>()

  /** @throws SojournError `CONNECTIONS_TOO_MANY` above the limits of the server or the session */
  add(visit: Visit): void {
    const siblings = this.#bySession.get(visit.session ?? '')
    const full = this.#visits.size >= limits.connectionsMax
    if (full || (siblings?.size ?? 0) >= limits.connectionsPerSessionMax) {
      throw new SojournError('CONNECTIONS_TOO_MANY')
    }
    this.#visits.set(visit.id, visit)
    if (visit.session === undefined) return
    if (siblings) siblings.add(visit)
    else this.#bySession.set(visit.session, new Set([visit]))
  }

  remove(id: string): void {
    const visit = this.#visits.get(id)
    this.#visits.delete(id)
    if (visit?.session === undefined) return
    const siblings = this.#bySession.get(visit.session)
    siblings?.delete(visit)
    if (siblings?.size === 0) this.#bySession.delete(visit.session)
  }

  find(id: string): Visit | undefined {
    return this.#visits.get(id)
  }

  all(): Visit[] {
    return [...this.#visits.values()]
  }

  /** How many sockets each instance has, by `<backend>/<key>`. */
  countByInstance(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { name, adopted } of this.#visits.values()) {
      if (!name || !adopted) continue
      const id = `${name.backend}/${name.key}`
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    return counts
  }

  ofSession(session: string): Visit[] {
    return [...(this.#bySession.get(session) ?? [])]
  }
}
