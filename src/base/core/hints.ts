/** What the reader of an error can do, by code. Loading this file gives every error its hint. */
import { type ErrorCode, errorCodes, SojournError } from './errors.ts'

const hints: Readonly<Record<ErrorCode, string>> = {
  REQUEST_MALFORMED: 'Send a plain HTTP/1.1 request with one Host and a clean path.',
  COOKIE_MALFORMED: 'The broken session cookie was removed; send the request again.',
  CARRIER_CONFLICT: 'Send one session token, not two different ones.',
  KEY_MALFORMED: 'Use 1 to 128 characters of A-Z a-z 0-9 . _ ~ - as the key.',
  BACKEND_UNKNOWN: 'Name a backend that is listed under `backends`.',
  UPGRADE_REQUIRED: 'Open this address as a WebSocket, for example with connect().',
  HOST_FOREIGN: 'Add the address under which this server is reached to `origins`.',
  ORIGIN_FOREIGN: 'Add the origin of this page to `origins`, if it is yours.',
  CONNECTIONS_TOO_MANY: 'Close unused connections, then try again.',
  TLS_REQUIRED: 'Serve over https; behind a proxy set `trustProxy` and forward x-forwarded-proto.',
  UNAUTHENTICATED: 'Log in, then connect again.',
  FORBIDDEN: 'This visitor has no right to do that.',
  TICKET_INVALID: 'The ticket was used, is too old or for another place: ask for a new one.',
  TICKETS_TOO_MANY: 'Too many tickets wait to be used; try again after they expired.',
  FRESH_LOGIN_REQUIRED: 'Let the user prove again who they are, log them in, then try again.',
  AUTHORIZE_FAILED: 'The authorize rule threw or took too long; see the server log.',
  HANDOVER_INVALID: 'The code was used, is too old or meant for another place: ask for a new one.',
  HANDOVER_UNCONFIRMED: 'Show whose session it is, and redeem the code once the visitor said yes.',
  SESSION_ENDED: 'The session ended (logout, expiry or revocation); log in again.',
  SESSION_ROTATED: 'The session changed hands (login or logout) meanwhile; send the request again.',
  SESSION_CONFLICT:
    'A parallel request changed the same value; read it again, or use session.update().',
  SESSION_COMMITTED:
    'Change the session before the response starts, or await session.commit() again.',
  SESSION_INVALID: 'The session data does not fit its schema; see the issues in the message.',
  SESSION_TOO_LARGE: 'Keep less in the session; large things belong into a database.',
  STORE_UNAVAILABLE: 'The store does not answer; requests fail until it does.',
  STATE_UNSUPPORTED:
    'States, messages and sessions hold plain objects, arrays, Map, Date, Uint8Array and primitives.',
  FRAME_MALFORMED: 'The bytes are no frame of this protocol version.',
  PROTOCOL_UNSUPPORTED: 'Update the client to the version that the server speaks.',
  MESSAGE_MALFORMED: 'The message is not one of the protocol; see docs/protocol.md.',
  MESSAGE_TOO_LARGE: 'Send smaller messages.',
  CLIENT_TOO_SLOW: 'The client reads slower than the state changes; it may reconnect.',
  ACTION_UNKNOWN: 'Name an action of this backend; an outcome forgotten after 24 h is unknown too.',
  ACTION_INVALID: 'The input does not fit the schema of the action; see the issues in the message.',
  ACTION_FAILED: 'The action threw; the state is as it was before. See the server log.',
  ACTIONS_TOO_MANY: 'Wait for the answers to open actions before sending more.',
  CONNECTION_CLOSED: 'The connection was closed before an answer came.',
  TURN_TIMEOUT: 'Keep a turn shorter than `turnMs`; wait for slow things outside of it.',
  TURN_OVER: 'Change the state before the handler returns; await what it starts.',
  INSTANCE_UNKNOWN:
    'Nothing of this key has run since this server started; see the list of instances.',
  INSTANCE_START_FAILED: 'The process of this key did not start; see the server log.',
  INSTANCE_STOPPED: 'The process of this key ended; connect again.',
  INSTANCE_PARKED: 'Mend what the server log tells of this key, then stop it once to let it start.',
  INSTANCE_STARTING: 'The process of this key is still starting; try again after a moment.',
  INSTANCE_ANSWER_INVALID: 'The process of this key gave no answer of HTTP or WebSocket.',
  JOURNAL_FENCED: 'Another instance owns this key now; this one must end.',
  JOURNAL_DAMAGED: 'The journal of this key fails its checks; restore it before it can start.',
  DATA_IN_USE: 'Another Sojourn process uses this data folder; stop it first.',
  HOST_STOPPED: 'The host process is not there; the server is starting or stopping.',
  INTERNAL: 'An unexpected fault; see the server log.',
}
SojournError.hints = hints

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

/** The closed table, for documentation and for tools. */
export const errorTable: Readonly<Record<ErrorCode, ErrorEntry>> = Object.fromEntries(
  errorCodes.map((code) => {
    const { status, close, retry, hint } = new SojournError(code)
    return [code, { status, close, retry, hint }]
  }),
) as Record<ErrorCode, ErrorEntry>
