/** What the compiler carries from a backend's module to its clients. */
import type { SojournError } from '../base/core/index.ts'
import type { DeepReadonly } from '../base/state/index.ts'

/** The default export of a backend's module, as far as a client needs its type. */
export interface BackendType {
  readonly definition: {
    state(init: { key: string }): object
    readonly presence?: {
      readonly '~standard': { readonly types?: { readonly output: unknown } | undefined }
    }
    readonly identity?: (caller: never) => unknown
    readonly tick?: {
      readonly input?: {
        readonly '~standard': { readonly types?: { readonly output: unknown } | undefined }
      }
    }
  }
  readonly actions: Readonly<
    Record<string, { readonly types?: { readonly input: unknown; readonly output: unknown } }>
  >
}

/** The state that a backend keeps. */
export type StateOf<B extends BackendType> = ReturnType<B['definition']['state']>

/** What clients of a backend set as their presence. */
export type PresenceOf<B extends BackendType> = B extends {
  definition: { presence?: { '~standard': { types?: { output: infer Presence } | undefined } } }
}
  ? Presence
  : unknown

/** What clients of a backend send for its ticks. */
export type InputOf<B extends BackendType> = B extends {
  definition: {
    tick?: { input?: { '~standard': { types?: { output: infer Input } | undefined } } }
  }
}
  ? Input
  : never

/** What the server says of a connection. */
export type IdentityOf<B extends BackendType> = B extends {
  definition: { identity?: (caller: never) => infer Identity }
}
  ? Identity
  : unknown

type CallOf<Made> = Made extends {
  readonly types?: { readonly input: infer Input; readonly output: infer Output }
}
  ? undefined extends Input
    ? (input?: Input) => Promise<Output>
    : (input: Input) => Promise<Output>
  : never

/** The actions of a backend as functions of its client. */
export type ActionsOf<B extends BackendType> = {
  readonly [Name in keyof B['actions']]: CallOf<B['actions'][Name]>
}

/** Another connection to the same instance. */
export interface Other<Identity, Presence> {
  readonly connection: string
  /** Set by the server; can be trusted. */
  readonly identity: Identity
  /** Set by that client; `null` until it set something. */
  readonly value: Presence | null
}

/**
 * `connecting` (no state yet) → `live` ⇄ `stale` (connection lost, the last state is shown, it
 * reconnects by itself) → `closed` (for good: see `error`).
 */
export type Status = 'connecting' | 'live' | 'stale' | 'closed'

/** What the connection of a live view is like now. */
export interface LinkFigures {
  /** The frame that the state is of; 0 before the first snapshot. */
  readonly seq: number
  /** Of the last ping, one every 5 s, that was answered; `undefined` before the first one. */
  readonly roundTripMs: number | undefined
  /** Bytes of all messages since `connect()`, over all reconnects. */
  readonly bytesReceived: number
  readonly bytesSent: number
}

/** A live, typed view of one instance. */
export interface Live<B extends BackendType> {
  /** The newest state, immutable: parts that did not change keep their identity. */
  readonly state: DeepReadonly<StateOf<B>> | undefined
  readonly status: Status
  /** Why it is `closed`, when that was not `close()`. */
  readonly error: SojournError | undefined
  /** Figures to look at whenever wanted: `subscribe` doesn't tell of them. */
  readonly link: LinkFigures
  /**
   * The server's wall clock in epoch milliseconds, as the quickest of the last answers to pings
   * tell it; off by half of its round trip at most. Before the first one: the clock of the client.
   */
  serverTimeMs(): number
  /** Calls `listener` after the state, the status or the presence changed; returns the way out. */
  subscribe(listener: () => void): () => void
  /**
   * The backend's actions. Each call runs exactly once, also across lost connections and crashes
   * of the process, and settles: with the handler's answer, or with a `SojournError`.
   */
  readonly actions: ActionsOf<B>
  readonly presence: {
    /** The other connections. */
    readonly others: readonly Other<IdentityOf<B>, PresenceOf<B>>[]
    /** Shows a value (≤ 4 KiB) to the others; the newest wins, sent at most every 33 ms. */
    set(value: PresenceOf<B> | null): void
  }
  /**
   * Sends a value (≤ 1 KiB) to the backend's next tick, for what is stale a moment later, such as
   * the keys of a game. Not answered, not kept: while there is no connection, it is dropped.
   */
  input(value: InputOf<B>): void
  /** Listens to an event that the backend broadcasts; returns the way out. */
  on(event: string, listener: (payload: unknown) => void): () => void
  /** Ends the connection; open calls reject with `CONNECTION_CLOSED`. */
  close(): void
}
