/** Joins analytics: the ends of sessions and the connections at the door become events. */
import type { Clock } from '../base/core/index.ts'
import type { HostLink } from '../live/gateway/gateway.ts'
import { type Analytics, type BuiltInEvent, eventOfEnd } from '../web/analytics/index.ts'
import type { EndListener } from '../web/index.ts'

type Tell = (name: BuiltInEvent, session: string, user?: string) => void

/** What analytics is told with. */
export function teller({ sink }: Analytics, clock: Clock): Tell {
  return (name, session, user) => sink.add({ atMs: clock.nowMs(), session, user, name })
}

/** For `sessions.on('end')`. */
export function tellEnds(tell: Tell): EndListener {
  return ({ id, reason }) => {
    const name = eventOfEnd(reason)
    if (name) tell(name, id)
  }
}

/**
 * Listens between the door and the host. It knows a connection as long as the door does, so the
 * door's limits bound it.
 */
export class ConnectionEvents {
  readonly #tell: Tell
  readonly #callers = new Map<string, { session: string; user?: string; isOpen: boolean }>()

  constructor(tell: Tell) {
    this.#tell = tell
  }

  /** A way to the host on which the connections that sessions open are noted. */
  upon(host: HostLink): HostLink {
    return {
      connect: (name, socket, handle) => {
        const { connection, session, user } = socket.caller
        if (session !== undefined)
          this.#callers.set(connection, {
            session,
            ...(user !== undefined && { user }),
            isOpen: false,
          })
        host.connect(name, socket, handle)
      },
      close: (connections, code) => host.close(connections, code),
      locate: (name, user) => host.locate(name, user),
    }
  }

  /** Takes the host's word on a connection. */
  hear(type: 'adopted' | 'refused' | 'closed', connection: string): void {
    const caller = this.#callers.get(connection)
    if (!caller) return
    if (type === 'adopted') {
      caller.isOpen = true
      this.#tell('connection-opened', caller.session, caller.user)
    } else {
      this.#callers.delete(connection)
      if (caller.isOpen) this.#tell('connection-closed', caller.session, caller.user)
    }
  }

  /** The host process is gone, and every connection with it. */
  hostLost(): void {
    for (const connection of [...this.#callers.keys()]) this.hear('closed', connection)
  }
}
