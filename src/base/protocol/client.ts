/**
 * What a client and an instance say to each other: one byte of type, then the body
 * (docs/protocol.md). Pure functions; a message from outside is parsed here or refused here.
 */
import { type ErrorCode, isErrorCode, limits, SojournError } from '../core/index.ts'
import { pack, unpack } from './pack.ts'

/** Raised by one with every change that an older peer can't read. */
export const protocolVersion = 1

/** Names one journal record that made a frame: enough to resume, or to refuse to. */
export interface Cursor {
  readonly epoch: number
  readonly nonce: string
  /** The last frame that the client has. */
  readonly seq: number
}

/** The recorded outcome of action `n` of one client. */
export type ActionResult =
  | { readonly n: number; readonly ok: true; readonly value: unknown }
  | { readonly n: number; readonly ok: false; readonly code: ErrorCode; readonly message: string }

/** What others see of a connection. `identity` is set by the server, `value` by the client. */
export interface PresenceEntry {
  readonly connection: string
  readonly identity: unknown
  readonly value: unknown
}

/** What a client says. */
export type FromClient =
  | {
      readonly type: 'hello'
      readonly version: number
      /** The id that an earlier welcome gave; its actions are answered from the record. */
      readonly client?: string
      /** All results of that client up to this number have arrived. */
      readonly acked: number
      readonly cursor?: Cursor
    }
  | {
      readonly type: 'action'
      readonly n: number
      /** All results up to this number have arrived. */
      readonly acked: number
      readonly name: string
      readonly input: unknown
    }
  | { readonly type: 'presence'; readonly value: unknown }
  /** `sentMs` is of the client's own clock; it comes back as it was. */
  | { readonly type: 'ping'; readonly sentMs: number }
  /** For the next tick, if it arrives. */
  | { readonly type: 'input'; readonly value: unknown }

/** What an instance says. */
export type FromInstance =
  | {
      readonly type: 'welcome'
      readonly version: number
      readonly connection: string
      readonly client: string
      /** The claim under which frames on this connection are made. */
      readonly epoch: number
      readonly nonce: string
      /** The journal's head when the client entered. */
      readonly head: Cursor
      /** Whether only the missed frames follow; otherwise the first state message is a snapshot. */
      readonly resumed: boolean
      readonly presence: readonly PresenceEntry[]
    }
  /** Snapshot or frame, with the results of this client's actions that it contains. */
  | {
      readonly type: 'state'
      readonly results: readonly ActionResult[]
      readonly bytes: Uint8Array
    }
  | { readonly type: 'results'; readonly results: readonly ActionResult[] }
  | { readonly type: 'event'; readonly name: string; readonly payload: unknown }
  | { readonly type: 'presence'; readonly entry: PresenceEntry }
  | { readonly type: 'left'; readonly connection: string }
  /** Answers a ping; `serverMs` is the server's wall time, in epoch milliseconds. */
  | { readonly type: 'pong'; readonly sentMs: number; readonly serverMs: number }
  /** Another process took over without a break: frames from here on are made under this claim. */
  | { readonly type: 'claim'; readonly epoch: number; readonly nonce: string }

const clientTypes = { hello: 1, action: 2, presence: 3, ping: 4, input: 5 } as const
const instanceTypes = {
  welcome: 1,
  state: 2,
  results: 3,
  event: 4,
  presence: 5,
  left: 6,
  pong: 7,
  claim: 8,
} as const

function message(type: number, body?: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + (body?.byteLength ?? 0))
  bytes[0] = type
  if (body) bytes.set(body, 1)
  return bytes
}

/** A message of float64s only: its length is always the same. */
function timesMessage(type: number, ...times: number[]): Uint8Array {
  const bytes = new Uint8Array(1 + 8 * times.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = type
  times.forEach((time, i) => {
    view.setFloat64(1 + 8 * i, time)
  })
  return bytes
}

function timesIn(bytes: Uint8Array, count: number): number[] {
  if (bytes.byteLength !== 1 + 8 * count) throw malformed(`Expected ${count} times`)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return Array.from({ length: count }, (_, i) => view.getFloat64(1 + 8 * i))
}

function malformed(what: string): SojournError {
  return new SojournError('MESSAGE_MALFORMED', `${what}.`)
}

function fields(bytes: Uint8Array, count: number): unknown[] {
  const body = unpack(bytes.subarray(1))
  if (!Array.isArray(body) || body.length !== count) throw malformed(`Expected ${count} fields`)
  return body
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0
const isText = (value: unknown, max: number): value is string =>
  typeof value === 'string' && value.length <= max

export function encodeFromClient(said: FromClient): Uint8Array {
  switch (said.type) {
    case 'hello': {
      const { cursor } = said
      const at = cursor ? [cursor.epoch, cursor.nonce, cursor.seq] : null
      return message(clientTypes.hello, pack([said.version, said.client ?? null, said.acked, at]))
    }
    case 'action':
      return message(clientTypes.action, pack([said.n, said.acked, said.name, said.input]))
    case 'presence':
      return message(clientTypes.presence, pack([said.value]))
    case 'ping':
      return timesMessage(clientTypes.ping, said.sentMs)
    case 'input':
      return message(clientTypes.input, pack([said.value]))
  }
}

function parseCursor(value: unknown): Cursor | undefined {
  if (value === null) return undefined
  if (!Array.isArray(value) || value.length !== 3) throw malformed('A cursor has three fields')
  const [epoch, nonce, seq] = value as unknown[]
  if (!isCount(epoch) || !isText(nonce, 64) || !isCount(seq)) throw malformed('Bad cursor')
  return { epoch, nonce, seq }
}

/** Parses what a client sent; anything else throws `MESSAGE_MALFORMED`. */
export function parseFromClient(bytes: Uint8Array): FromClient {
  switch (bytes[0]) {
    case clientTypes.hello: {
      const [version, client, acked, at] = fields(bytes, 4)
      if (!isCount(version) || !isCount(acked)) throw malformed('Bad hello')
      if (client !== null && !isText(client, 64)) throw malformed('Bad client id')
      const cursor = parseCursor(at)
      return {
        type: 'hello',
        version,
        acked,
        ...(client !== null && { client }),
        ...(cursor && { cursor }),
      }
    }
    case clientTypes.action: {
      const [n, acked, name, input] = fields(bytes, 4)
      if (!isCount(n) || n === 0 || !isCount(acked) || acked >= n)
        throw malformed('Bad action number')
      if (!isText(name, 64)) throw malformed('Bad action name')
      return { type: 'action', n, acked, name, input }
    }
    case clientTypes.presence:
      return { type: 'presence', value: fields(bytes, 1)[0] }
    case clientTypes.ping: {
      const [sentMs = 0] = timesIn(bytes, 1)
      return { type: 'ping', sentMs }
    }
    case clientTypes.input:
      if (bytes.byteLength > limits.inputBytesMax) throw new SojournError('MESSAGE_TOO_LARGE')
      return { type: 'input', value: fields(bytes, 1)[0] }
    default:
      throw malformed(`Unknown message type ${bytes[0]}`)
  }
}

const packResult = (result: ActionResult): unknown[] =>
  result.ok ? [result.n, true, result.value] : [result.n, false, result.code, result.message]

/** The length of every ping. */
export const pingBytes = 9

/** True for a message that only asks whether the other side is there: it is no activity. */
export const isPing = (bytes: Uint8Array): boolean =>
  bytes[0] === clientTypes.ping && bytes.byteLength === pingBytes

/** A result as it stands in the journal and on the wire. */
export function parseResult(value: unknown): ActionResult {
  if (!Array.isArray(value) || !isCount(value[0])) throw malformed('Bad result')
  const [n, ok, first, second] = value as [number, unknown, unknown, unknown]
  if (ok === true) return { n, ok, value: first }
  const code = typeof first === 'string' && isErrorCode(first) ? first : 'INTERNAL'
  return { n, ok: false, code, message: String(second) }
}

export const packResults = (results: readonly ActionResult[]): unknown[] => results.map(packResult)

function encodeState(results: readonly ActionResult[], section: Uint8Array): Uint8Array {
  const head = results.length > 0 ? pack(packResults(results)) : undefined
  const length = head?.byteLength ?? 0
  const bytes = new Uint8Array(5 + length + section.byteLength)
  bytes[0] = instanceTypes.state
  new DataView(bytes.buffer).setUint32(1, length)
  if (head) bytes.set(head, 5)
  bytes.set(section, 5 + length)
  return bytes
}

export function encodeFromInstance(said: FromInstance): Uint8Array {
  switch (said.type) {
    case 'welcome': {
      const { head } = said
      const presence = said.presence.map((entry) => [entry.connection, entry.identity, entry.value])
      const at = [head.epoch, head.nonce, head.seq]
      const body = [
        said.version,
        said.connection,
        said.client,
        said.epoch,
        said.nonce,
        at,
        said.resumed,
        presence,
      ]
      return message(instanceTypes.welcome, pack(body))
    }
    case 'state':
      return encodeState(said.results, said.bytes)
    case 'results':
      return message(instanceTypes.results, pack(packResults(said.results)))
    case 'event':
      return message(instanceTypes.event, pack([said.name, said.payload]))
    case 'presence': {
      const { connection, identity, value } = said.entry
      return message(instanceTypes.presence, pack([connection, identity, value]))
    }
    case 'left':
      return message(instanceTypes.left, pack([said.connection]))
    case 'pong':
      return timesMessage(instanceTypes.pong, said.sentMs, said.serverMs)
    case 'claim':
      return message(instanceTypes.claim, pack([said.epoch, said.nonce]))
  }
}

function parsePresence(value: unknown): PresenceEntry {
  if (!Array.isArray(value) || typeof value[0] !== 'string') throw malformed('Bad presence')
  return { connection: value[0], identity: value[1], value: value[2] }
}

function parseResults(value: unknown): ActionResult[] {
  if (!Array.isArray(value)) throw malformed('Bad results')
  return value.map(parseResult)
}

function parseWelcome(bytes: Uint8Array): FromInstance {
  const [version, connection, client, epoch, nonce, at, resumed, presence] = fields(bytes, 8)
  const head = parseCursor(at)
  if (!isCount(version) || !isText(connection, 64) || !isText(client, 64))
    throw malformed('Bad welcome')
  if (!isCount(epoch) || !isText(nonce, 64) || !head || !Array.isArray(presence))
    throw malformed('Bad welcome')
  return {
    type: 'welcome',
    version,
    connection,
    client,
    epoch,
    nonce,
    head,
    resumed: resumed === true,
    presence: presence.map(parsePresence),
  }
}

function parseState(bytes: Uint8Array): FromInstance {
  if (bytes.byteLength < 5) throw malformed('Short state message')
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1)
  if (length > bytes.byteLength - 5) throw malformed('Short state message')
  const results = length > 0 ? parseResults(unpack(bytes.subarray(5, 5 + length))) : []
  return { type: 'state', results, bytes: bytes.subarray(5 + length) }
}

/** Parses what an instance sent; anything else throws `MESSAGE_MALFORMED`. */
export function parseFromInstance(bytes: Uint8Array): FromInstance {
  switch (bytes[0]) {
    case instanceTypes.welcome:
      return parseWelcome(bytes)
    case instanceTypes.state:
      return parseState(bytes)
    case instanceTypes.results:
      return { type: 'results', results: parseResults(unpack(bytes.subarray(1))) }
    case instanceTypes.event: {
      const [name, payload] = fields(bytes, 2)
      return { type: 'event', name: String(name), payload }
    }
    case instanceTypes.presence:
      return { type: 'presence', entry: parsePresence(unpack(bytes.subarray(1))) }
    case instanceTypes.left:
      return { type: 'left', connection: String(fields(bytes, 1)[0]) }
    case instanceTypes.pong: {
      const [sentMs = 0, serverMs = 0] = timesIn(bytes, 2)
      return { type: 'pong', sentMs, serverMs }
    }
    case instanceTypes.claim: {
      const [epoch, nonce] = fields(bytes, 2)
      if (!isCount(epoch) || !isText(nonce, 64)) throw malformed('Bad claim')
      return { type: 'claim', epoch, nonce }
    }
    default:
      throw malformed(`Unknown message type ${bytes[0]}`)
  }
}
