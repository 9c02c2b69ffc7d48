/** Who is at the door or behind it: every connection and request, by id, session and instance. */
import type { Duplex } from 'node:stream'
import { type ErrorCode, limits, SojournError } from '../../base/core/index.ts'
import type { InstanceName } from '../../base/protocol/index.ts'

/** One connection or request, from its arrival to its end. */
export interface Visit {
  readonly id: string
  /**
   * `entering` → `handed` (its socket is on the way to an instance) → `adopted`, or `entering` →
   * `relayed` (its bytes go through this process).
   */
  stage: 'entering' | 'handed' | 'adopted' | 'relayed'
  /** The door's own descriptor; gone once an instance has adopted the socket. */
  socket?: Duplex | undefined
  name?: InstanceName
  session?: string | undefined
  user?: string | undefined
  /** Set when its session ended. */
  ended?: ErrorCode
  /** Ends it, once there is more to do than to refuse it at the door. */
  close?: (code: ErrorCode) => void
  /** Answers on the door's own descriptor, as long as nobody adopted the socket. */
  refuse?: (error: SojournError) => void
  /** Ends the wait for the host's word on a socket that was handed over. */
  cancel?: () => void
}

export class DoorTable {
  readonly #visits = new Map<string, Visit>()
  readonly #bySession = new Groups()
  readonly #byInstance = new Groups()

  /** @throws SojournError `CONNECTIONS_TOO_MANY` above the limits of server, session and instance */
  add(visit: Visit): void {
    const isFull =
      this.#visits.size >= limits.connectionsMax ||
      this.#bySession.of(visit.session).size >= limits.connectionsPerSessionMax ||
      this.#byInstance.of(idOf(visit)).size >= limits.connectionsPerInstanceMax
    if (isFull) throw new SojournError('CONNECTIONS_TOO_MANY')
    this.#visits.set(visit.id, visit)
    this.#bySession.add(visit.session, visit)
    this.#byInstance.add(idOf(visit), visit)
  }

  remove({ id }: Pick<Visit, 'id'>): void {
    const visit = this.#visits.get(id)
    if (!visit) return
    this.#visits.delete(id)
    this.#bySession.remove(visit.session, visit)
    this.#byInstance.remove(idOf(visit), visit)
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
    for (const { name, stage } of this.#visits.values()) {
      if (!name || (stage !== 'adopted' && stage !== 'relayed')) continue
      const id = `${name.backend}/${name.key}`
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    return counts
  }

  ofSession(session: string): Visit[] {
    return [...this.#bySession.of(session)]
  }
}

const idOf = ({ name }: Visit): string | undefined => name && `${name.backend}/${name.key}`

class Groups {
  readonly #groups = new Map<string, Set<Visit>>()

  of(name: string | undefined): ReadonlySet<Visit> {
    return this.#groups.get(name ?? '') ?? nobody
  }

  add(name: string | undefined, visit: Visit): void {
    if (name === undefined) return
    const group = this.#groups.get(name)
    if (group) group.add(visit)
    else this.#groups.set(name, new Set([visit]))
  }

  remove(name: string | undefined, visit: Visit): void {
    const group = name === undefined ? undefined : this.#groups.get(name)
    group?.delete(visit)
    if (group?.size === 0) this.#groups.delete(name ?? '')
  }
}

const nobody: ReadonlySet<Visit> = new Set()
