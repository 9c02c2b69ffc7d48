/**
 * The closed table of everything that Sojourn refuses. Nothing else is ever thrown at a peer:
 * `status` answers HTTP, `close` closes a WebSocket, `retry` says whether the same request can
 * succeed later without a change, `hint` tells the reader what to do.
 */
const rows = {
  // The door: what a request must look like.
  REQUEST_MALFORMED: [
    400,
    4400,
    false,
    'Send a plain HTTP/1.1 request with one Host and a clean path.',
  ],
  COOKIE_MALFORMED: [
    400,
    4400,
    true,
    'The broken session cookie was removed; send the request again.',
  ],
  CARRIER_CONFLICT: [400, 4400, false, 'Send one session token, not two different ones.'],
  KEY_MALFORMED: [400, 4400, false, 'Use 1 to 128 characters of A-Z a-z 0-9 . _ ~ - as the key.'],
  BACKEND_UNKNOWN: [404, 4404, false, 'Name a backend that is listed under `backends`.'],
  UPGRADE_REQUIRED: [
    426,
    4426,
    false,
    'Open this address as a WebSocket, for example with connect().',
  ],
  HOST_FOREIGN: [
    421,
    4421,
    false,
    'Add the address under which this server is reached to `origins`.',
  ],
  ORIGIN_FOREIGN: [403, 4403, false, 'Add the origin of this page to `origins`, if it is yours.'],
  CONNECTIONS_TOO_MANY: [429, 4429, true, 'Close unused connections, then try again.'],
  TLS_REQUIRED: [
    500,
    4500,
    false,
    'Serve over https; behind a proxy set `trustProxy` and forward x-forwarded-proto.',
  ],

  // Who may enter.
  UNAUTHENTICATED: [401, 4401, false, 'Log in, then connect again.'],
  FORBIDDEN: [403, 4403, false, 'This visitor has no right to do that.'],
  AUTHORIZE_FAILED: [
    503,
    4503,
    true,
    'The authorize rule threw or took too long; see the server log.',
  ],

  // Web sessions.
  SESSION_ENDED: [
    401,
    4401,
    false,
    'The session ended (logout, expiry or revocation); log in again.',
  ],
  SESSION_ROTATED: [
    409,
    4409,
    true,
    'The session changed hands (login or logout) meanwhile; send the request again.',
  ],
  SESSION_CONFLICT: [
    409,
    4409,
    true,
    'A parallel request changed the same value; read it again, or use session.update().',
  ],
  SESSION_COMMITTED: [
    500,
    4500,
    false,
    'Change the session before the response starts, or await session.commit() again.',
  ],
  SESSION_INVALID: [
    500,
    4500,
    false,
    'The session data does not fit its schema; see the issues in the message.',
  ],
  SESSION_TOO_LARGE: [
    413,
    4413,
    false,
    'Keep less in the session; large things belong into a database.',
  ],
  STORE_UNAVAILABLE: [
    503,
    4503,
    true,
    'The session store does not answer; requests fail until it does.',
  ],

  // State.
  STATE_UNSUPPORTED: [
    500,
    4500,
    false,
    'Keep plain objects, arrays, Map, Date, Uint8Array and primitives in the state.',
  ],
  FRAME_MALFORMED: [400, 4400, false, 'The bytes are no frame of this protocol version.'],

  // Messages of a connection.
  PROTOCOL_UNSUPPORTED: [
    426,
    4426,
    false,
    'Update the client to the version that the server speaks.',
  ],
  MESSAGE_MALFORMED: [
    400,
    4400,
    false,
    'The message is not one of the protocol; see docs/protocol.md.',
  ],
  MESSAGE_TOO_LARGE: [413, 1009, false, 'Send smaller messages.'],
  CLIENT_TOO_SLOW: [
    503,
    4408,
    true,
    'The client reads slower than the state changes; it may reconnect.',
  ],

  // Actions and turns.
  ACTION_UNKNOWN: [
    404,
    4404,
    false,
    'Name an action of this backend; an outcome forgotten after 24 h is unknown too.',
  ],
  ACTION_INVALID: [
    422,
    4422,
    false,
    'The input does not fit the schema of the action; see the issues in the message.',
  ],
  ACTION_FAILED: [
    500,
    4500,
    false,
    'The action threw; the state is as it was before. See the server log.',
  ],
  ACTIONS_TOO_MANY: [429, 4429, true, 'Wait for the answers to open actions before sending more.'],
  ACTION_TIMEOUT: [
    504,
    4504,
    true,
    'No answer within the time given; the action may still take effect.',
  ],
  CONNECTION_CLOSED: [503, 4503, true, 'The connection was closed before an answer came.'],
  TURN_TIMEOUT: [
    504,
    4504,
    true,
    'Keep a turn shorter than `turnMs`; wait for slow things outside of it.',
  ],
  TURN_OVER: [
    500,
    4500,
    false,
    'Change the state before the handler returns; await what it starts.',
  ],

  // Instances and ownership.
  INSTANCE_START_FAILED: [
    503,
    4503,
    true,
    'The process of this key did not start; see the server log.',
  ],
  INSTANCE_STOPPED: [503, 4503, true, 'The process of this key ended; connect again.'],
  JOURNAL_FENCED: [409, 4409, false, 'Another instance owns this key now; this one must end.'],
  JOURNAL_DAMAGED: [
    500,
    4500,
    false,
    'The journal of this key fails its checks; restore it before it can start.',
  ],
  DATA_IN_USE: [503, 4503, true, 'Another Sojourn process uses this data folder; stop it first.'],
  HOST_STOPPED: [
    503,
    4503,
    true,
    'The host process is not there; the server is starting or stopping.',
  ],
  INTERNAL: [500, 4500, true, 'An unexpected fault; see the server log.'],
} as const

/** One word of the closed table. */
export type ErrorCode = keyof typeof rows

/** What the table says of a code. */
export interface ErrorEntry {
  /** HTTP status of a response that carries this code. */
  readonly status: number
  /** WebSocket close code, 4000 + status where no standard code fits. */
  readonly close: number
  /** Whether the same request may succeed later, unchanged. */
  readonly retry: boolean
  /** What the reader can do. */
  readonly hint: string
}

/** The table itself, for documentation and tests. */
export const errorTable: Readonly<Record<ErrorCode, ErrorEntry>> = Object.fromEntries(
  Object.entries(rows).map(([code, [status, close, retry, hint]]) => [
    code,
    { status, close, retry, hint },
  ]),
) as Record<ErrorCode, ErrorEntry>

/** Every error that crosses a door of Sojourn; recognise it by `code`, never by its message. */
export class SojournError extends Error {
  readonly code: ErrorCode
  /**
   * @param code a word of the table
   * @param detail what was seen, in one sentence; the table's hint follows it in the message
   */
  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions) {
    const { hint } = errorTable[code]
    super(detail ? `${detail} ${hint}` : hint, options)
    this.name = 'SojournError'
    this.code = code
  }
  get status(): number {
    return errorTable[this.code].status
  }
  get close(): number {
    return errorTable[this.code].close
  }
  get retry(): boolean {
    return errorTable[this.code].retry
  }
  get hint(): string {
    return errorTable[this.code].hint
  }
}

/** True for an error of the table, also when it comes from another copy of the package. */
export function isSojournError(error: unknown): error is SojournError {
  return (
    error instanceof Error &&
    error.name === 'SojournError' &&
    Object.hasOwn(errorTable, (error as { code?: string }).code ?? '')
  )
}

/** The error itself when it is of the table, otherwise `INTERNAL` with it as the cause. */
export function toSojournError(error: unknown, fallback: ErrorCode = 'INTERNAL'): SojournError {
  return isSojournError(error) ? error : new SojournError(fallback, undefined, { cause: error })
}

/** Narrows a word from outside to a code of the table. */
export function isErrorCode(word: string): word is ErrorCode {
  return Object.hasOwn(errorTable, word)
}
