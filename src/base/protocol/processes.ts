/**
 * What the processes of one machine say to each other: the door (in the application's process)
 * and the host over one channel, the host and each instance over another. Sockets travel beside
 * `connect` as a handle. Journal records have a pipe of their own (journal.ts).
 */
import type { ErrorCode } from '../core/index.ts'
import type { Cursor } from './client.ts'

/** Names one live thing: a backend and a key. */
export interface InstanceName {
  readonly backend: string
  readonly key: string
}

/** The right to write the journal of one key; a later claim of the same key ends it. */
export interface Claim extends InstanceName {
  /** Counter of ownership; only grows. */
  readonly epoch: number
  /** Drawn at the claim, so that two claims never look alike, whatever was lost. */
  readonly nonce: string
}

/** Who stands behind a connection, as the door found and the rule `authorize` granted. */
export interface CallerFacts {
  readonly connection: string
  /** Public id of the web session, if there is one. */
  readonly session?: string
  /** The logged-in user of that session, if any. */
  readonly user?: string
  readonly grant: unknown
  /** What the backend kept with the connection in an earlier process. */
  readonly attachment?: unknown
}

/** What stays of a connection while its instance hibernates and its socket is parked. */
export interface ParkedFacts {
  /** The client id that its actions are remembered under. */
  readonly client: string
  /** Everything up to here was sent to it. */
  readonly cursor: Cursor
  readonly presence: unknown
  /** What the backend keeps with it; back again as a part of its caller. */
  readonly attachment: unknown
}

/** A socket on its way from the door to an instance; the handle travels beside it. */
export interface SocketFacts {
  readonly caller: CallerFacts
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Bytes that were read after the upgrade request, or while the socket was parked. */
  readonly head: Uint8Array
  /** Set for a socket that was parked: its handshake is done, and its client knows of no break. */
  readonly parked?: ParkedFacts
}

/** How every backend is run. */
interface Plan {
  /** Without activity for so long, the process ends; its state stays. */
  readonly idleAfterMs: number
  /** Variables that the process gets beside the few that every process gets. */
  readonly env: Readonly<Record<string, string>>
  /** An instance ends after so long, however busy it is; 0 for never. */
  readonly lifetimeMs: number
  /** Its processes run in a box, with the machine's network or without any. */
  readonly sandbox?: { readonly network: boolean }
}

/** A backend written with `backend()`. */
export interface ModulePlan extends Plan {
  readonly kind: 'module'
  /** URL of the module whose default export is made by `backend()`. */
  readonly module: string
  /** Processes that are kept ready with the module loaded. */
  readonly warm: number
  /** Instances that share one process. */
  readonly perProcess: number
  /** Above this, a process is ended as `out-of-memory`; 0 leaves it to the machine. */
  readonly memoryBytesMax: number
}

/** Any program that serves HTTP on `$PORT`. */
export interface CommandPlan extends Plan {
  readonly kind: 'command'
  /** The program and its arguments. */
  readonly command: readonly string[]
  /** It is ready when this path is answered; without one, when the port is open. */
  readonly readyPath?: string
}

export type BackendPlan = ModulePlan | CommandPlan

/** Where an instance serves HTTP: a Unix socket, or a port on loopback. */
export type Address = { readonly path: string } | { readonly port: number }

/** Life of an instance: forward only. */
export const phases = ['claimed', 'starting', 'ready', 'stopping', 'stopped'] as const
export type Phase = (typeof phases)[number]

/** Why an instance ended. */
export type StopReason =
  /** Nothing happened for `idleAfterMs`; its state stays, and the next visitor wakes it. */
  | 'idle'
  /** It was as old as `lifetimeMs`. */
  | 'lifetime'
  /** Somebody asked for it. */
  | 'requested'
  /** Its process ended by itself, or broke the rules of the pipe. */
  | 'crashed'
  /** Its process did not answer any more. */
  | 'stuck'
  | 'out-of-memory'
  /** Another owner has the key, or the journal took no more. */
  | 'fenced'
  | 'start-failed'
  /** Its process ended for what another instance in it did. */
  | 'neighbour'
  | 'host-drain'
  /** Its host process ended, and with it everything that it served. */
  | 'host-lost'

/** One step in the life of an instance. */
export interface StatusChange extends InstanceName {
  readonly epoch: number
  readonly phase: Phase
  /** Wall time at the host. */
  readonly atMs: number
  readonly pid?: number
  readonly reason?: StopReason
  /** What the process said last, when it ended against its will. */
  readonly lastOutput?: string
  /** It ended against its will so often that its key is not started until it is stopped once. */
  readonly isParked?: boolean
}

/** A line for the application's logger. Facts are plain: errors don't survive a channel. */
export interface LogLine {
  readonly type: 'log'
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly facts: object
  readonly message: string
}

/** What the door may ask the host about one instance. */
export interface HostQuestion {
  /** `end`: in good order, and its key gets a clean record. `log`: the last output of its process. */
  readonly what: 'end' | 'log'
}

export interface HostAnswer {
  /** For `log`, oldest first; absent when nothing of the key runs. */
  readonly lines?: readonly string[]
}

export type DoorToHost =
  | {
      readonly type: 'configure'
      readonly data: string
      readonly backends: Readonly<Record<string, BackendPlan>>
    }
  | { readonly type: 'connect'; readonly name: InstanceName; readonly socket: SocketFacts }
  | { readonly type: 'close'; readonly connections: readonly string[]; readonly code: ErrorCode }
  /** Asks where an instance serves HTTP, and keeps it awake until the release of the same id. */
  | {
      readonly type: 'locate'
      readonly id: number
      readonly name: InstanceName
      readonly user?: string
    }
  | { readonly type: 'release'; readonly id: number }
  /** Ends all instances in good order, and the host. */
  | { readonly type: 'stop' }
  /** An `answer` of the same number follows. */
  | ({ readonly type: 'ask'; readonly ask: number; readonly name: InstanceName } & HostQuestion)

export type HostToDoor =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly code: ErrorCode; readonly message: string }
  | { readonly type: 'adopted'; readonly connection: string }
  | { readonly type: 'refused'; readonly connection: string; readonly code: ErrorCode }
  | { readonly type: 'closed'; readonly connection: string }
  /** Connections whose client said something since the last word of this kind. */
  | { readonly type: 'active'; readonly connections: readonly string[] }
  | {
      readonly type: 'located'
      readonly id: number
      readonly address: Address
      /** Tells apart the instances behind one address. */
      readonly instance: number
    }
  | { readonly type: 'unlocated'; readonly id: number; readonly code: ErrorCode }
  | ({ readonly type: 'status' } & StatusChange)
  | ({ readonly type: 'answer'; readonly ask: number } & HostAnswer)
  | LogLine

/** A frame of the journal's tail with the claim that made it. */
export interface StoredFrame {
  readonly seq: number
  readonly epoch: number
  readonly nonce: string
  readonly bytes: Uint8Array
}

/** A journal record as an instance gets it back at its start. */
export interface StoredRecord {
  readonly seq: number
  readonly epoch: number
  readonly nonce: string
  readonly envelope: Uint8Array
  /** The frame for the clients; absent when the turn changed nothing that they see. */
  readonly section?: Uint8Array
}

/** A snapshot as an instance gets it back at its start. */
export interface StoredSnapshot {
  /** The last record that it contains. */
  readonly seq: number
  readonly envelope: Uint8Array
  readonly section: Uint8Array
}

/** What the journal knows of a key. Records reach back behind the snapshot, for resumes. */
export interface Recovered {
  readonly snapshot?: StoredSnapshot
  readonly records: readonly StoredRecord[]
}

/** An instance inside a process, by a number that the host never gives again. */
export interface InstanceRef {
  readonly instance: number
}

export interface StartOrder extends InstanceRef {
  readonly name: InstanceName
  readonly epoch: number
  readonly nonce: string
  readonly recovered: Recovered
  /** Its working folder; `undefined` where nothing is kept. */
  readonly folder?: string
  /** Instances that share the process; a process with one works in its folder. */
  readonly perProcess: number
}

/** An instance that ended and left its sockets open. */
export interface ParkedInstance {
  readonly sockets: readonly { readonly connection: string; readonly facts: ParkedFacts }[]
  /** Whether the backend has something to do when a connection is gone. */
  readonly mindsPartings: boolean
}

export type HostToProcess =
  | { readonly type: 'load'; readonly module: string }
  | ({ readonly type: 'start' } & StartOrder)
  | ({ readonly type: 'connect'; readonly socket: SocketFacts } & InstanceRef)
  /** Connections that were parked, and closed before they could be handed back. */
  | ({ readonly type: 'parted'; readonly callers: readonly CallerFacts[] } & InstanceRef)
  | ({
      readonly type: 'close'
      readonly connections: readonly string[]
      readonly code: ErrorCode
    } & InstanceRef)
  | ({ readonly type: 'stop' } & InstanceRef)
  /** The same, but sockets that stand between two frames are left open, for the host to park. */
  | ({ readonly type: 'park' } & InstanceRef)
  /** Serves HTTP of all its instances on a Unix socket. */
  | { readonly type: 'serve'; readonly path: string }
  /** Asks whether the process still answers. */
  | { readonly type: 'beat' }

export type ProcessToHost =
  | { readonly type: 'loaded' }
  | { readonly type: 'serving' }
  | ({ readonly type: 'ready' } & InstanceRef)
  /** An instance failed, and nothing that it did since its last record may be believed. */
  | ({ readonly type: 'failed'; readonly message: string } & Partial<InstanceRef>)
  | ({ readonly type: 'stopped' } & InstanceRef)
  | ({ readonly type: 'parked' } & ParkedInstance & InstanceRef)
  | ({ readonly type: 'adopted'; readonly connection: string } & InstanceRef)
  | ({ readonly type: 'closed'; readonly connection: string } & InstanceRef)
  | ({ readonly type: 'active'; readonly connections: readonly string[] } & InstanceRef)
  /** Whether work that is not a turn keeps the instance from being idle. */
  | ({ readonly type: 'awake'; readonly isAwake: boolean } & InstanceRef)
  | { readonly type: 'beat' }
  | (LogLine & Partial<InstanceRef>)
