/** Who takes part. Each serves the same two things, by key: a counter, and 100 players. */

/** What serves; there is a file of this name in `servers/` and one in `clients/`. */
export type Technology =
  | 'raw-ws'
  | 'socket-io'
  | 'colyseus'
  | 'party-server'
  | 'rivet-kit'
  | 'sojourn'

/** How it is run. What a technology doesn't know, it leaves alone. */
export interface Mode {
  /** The answer waits until the change is durable. */
  readonly durable?: boolean
  /** Sojourn: what an acknowledged change survives. */
  readonly level?: 'memory' | 'process' | 'disk'
  /** Sojourn: processes that wait with the backend's module loaded. */
  readonly warm?: number
  /** Sojourn: instances that share a process. */
  readonly perProcess?: number
  /** Sojourn: what is quiet for so long gives its process up. */
  readonly idleAfterMs?: number
}

export interface Entry {
  readonly technology: Technology
  readonly mode: Mode
}

const of = (technology: Technology, mode: Mode = {}): Entry => ({ technology, mode })

export const contestants = {
  'raw ws': of('raw-ws'),
  'socket.io': of('socket-io'),
  colyseus: of('colyseus'),
  partyserver: of('party-server'),
  'partyserver, durable': of('party-server', { durable: true }),
  rivetkit: of('rivet-kit'),
  'rivetkit, durable': of('rivet-kit', { durable: true }),
  'sojourn, memory': of('sojourn', { level: 'memory' }),
  'sojourn, process': of('sojourn'),
  'sojourn, disk': of('sojourn', { level: 'disk' }),
  'sojourn, warm': of('sojourn', { warm: 4 }),
  'sojourn, 50 a process': of('sojourn', { perProcess: 50 }),
  'sojourn, hibernated': of('sojourn', { idleAfterMs: 1_000 }),
  'sojourn, two minutes': of('sojourn', { idleAfterMs: 120_000 }),
} as const satisfies Readonly<Record<string, Entry>>

export type Name = keyof typeof contestants
