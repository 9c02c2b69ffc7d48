/**
 * The closed table of everything that Sojourn refuses. Nothing else is ever thrown at a peer:
 * the figure answers HTTP, `true` says that the same request can succeed later without a change. A
 * WebSocket is closed with 4000 + the figure, unless a code of its own stands last.
 */
const rows = {
  // The door: what a request must look like.
  REQUEST_MALFORMED: [400, false],
  COOKIE_MALFORMED: [400, true],
  CARRIER_CONFLICT: [400, false],
  KEY_MALFORMED: [400, false],
  BACKEND_UNKNOWN: [404, false],
  UPGRADE_REQUIRED: [426, false],
  HOST_FOREIGN: [421, false],
  ORIGIN_FOREIGN: [403, false],
  CONNECTIONS_TOO_MANY: [429, true],
  TLS_REQUIRED: [500, false],

  // Who may enter.
  UNAUTHENTICATED: [401, false],
  FORBIDDEN: [403, false],
  TICKET_INVALID: [401, true],
  TICKETS_TOO_MANY: [429, true],
  FRESH_LOGIN_REQUIRED: [403, false],
  AUTHORIZE_FAILED: [503, true],

  // Web sessions.
  SESSION_ENDED: [401, false],
  HANDOVER_INVALID: [410, false],
  HANDOVER_UNCONFIRMED: [403, false],
  SESSION_ROTATED: [409, true],
  SESSION_CONFLICT: [409, true],
  SESSION_COMMITTED: [500, false],
  SESSION_INVALID: [500, false],
  SESSION_TOO_LARGE: [413, false],
  STORE_UNAVAILABLE: [503, true],

  // State.
  STATE_UNSUPPORTED: [500, false],
  FRAME_MALFORMED: [400, false],

  // Messages of a connection.
  PROTOCOL_UNSUPPORTED: [426, false],
  MESSAGE_MALFORMED: [400, false],
  MESSAGE_TOO_LARGE: [413, false, 1009],
  CLIENT_TOO_SLOW: [503, true, 4408],

  // Actions and turns.
  ACTION_UNKNOWN: [404, false],
  ACTION_INVALID: [422, false],
  ACTION_FAILED: [500, false],
  ACTIONS_TOO_MANY: [429, true],
  CONNECTION_CLOSED: [503, true],
  TURN_TIMEOUT: [504, true],
  TURN_OVER: [500, false],

  // Instances and ownership.
  INSTANCE_UNKNOWN: [404, false],
  INSTANCE_START_FAILED: [503, true],
  INSTANCE_STOPPED: [503, true, 1012],
  INSTANCE_PARKED: [503, true],
  INSTANCE_STARTING: [503, true],
  INSTANCE_ANSWER_INVALID: [502, true],
  JOURNAL_FENCED: [409, true],
  JOURNAL_DAMAGED: [500, false],
  DATA_IN_USE: [503, true],
  HOST_STOPPED: [503, true, 1012],
  INTERNAL: [500, true],
} as const

type Row = readonly [status: number, retry: boolean, close?: number]

/** One word of the closed table. */
export type ErrorCode = keyof typeof rows

/** Every error that crosses a door of Sojourn; recognise it by `code`, never by its message. */
export class SojournError extends Error {
  /**
   * What the reader of an error can do. Set by hints.ts, which every Node entry loads; the client
   * in the browser goes without: they would be a tenth of its size.
   */
  static hints: Partial<Readonly<Record<ErrorCode, string>>> = {}
  readonly code: ErrorCode
  /** What was seen, without the hint. */
  readonly detail: string | undefined

  /**
   * @param code a word of the table
   * @param detail what was seen, in one sentence; the code's hint follows it in the message
   */
  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions) {
    const parts = [detail, SojournError.hints[code]].filter(Boolean)
    super(parts.join(' ') || code.toLowerCase().replaceAll('_', ' '), options)
    this.name = 'SojournError'
    this.code = code
    this.detail = detail
  }
  /** HTTP status of a response that carries this code. */
  get status(): number {
    return rows[this.code][0]
  }
  /** WebSocket close code. */
  get close(): number {
    const [status, , close = 4000 + status]: Row = rows[this.code]
    return close
  }
  /** Whether the same request may succeed later, unchanged. */
  get retry(): boolean {
    return rows[this.code][1]
  }
  get hint(): string {
    return SojournError.hints[this.code] ?? ''
  }
}

/** True for an error of the table, also when it comes from another copy of the package. */
export function isSojournError(error: unknown): error is SojournError {
  return (
    error instanceof Error &&
    error.name === 'SojournError' &&
    isErrorCode((error as { code?: string }).code ?? '')
  )
}

/** The error itself when it is of the table, otherwise one of the table with it as the cause. */
export function toSojournError(error: unknown, fallback: ErrorCode = 'INTERNAL'): SojournError {
  return isSojournError(error) ? error : new SojournError(fallback, undefined, { cause: error })
}

/** Narrows a word from outside to a code of the table. */
export function isErrorCode(word: string): word is ErrorCode {
  return Object.hasOwn(rows, word)
}

/** All codes, for documentation and tests. */
export const errorCodes: readonly ErrorCode[] = Object.keys(rows) as ErrorCode[]
