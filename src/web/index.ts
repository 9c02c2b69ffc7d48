/** Sessions of HTTP requests, put together: the session and the ways its token travels. */
import '../base/core/hints.ts'
import { carriersFor } from './carriers/index.ts'
import { buildSessions, type CreateSessionsOptions, type Sessions } from './session/index.ts'

export type {
  CreateSessionsOptions,
  EndListener,
  EndReason,
  LoginOptions,
  Session,
  SessionInfo,
  SessionOptions,
  SessionStore,
  Sessions,
  SessionUser,
  Visitor,
} from './session/index.ts'

/**
 * Sessions without the rest of the platform.
 *
 * @throws TypeError, RangeError at once for options that can't work; in production `origins` and
 * `trustProxy` are required
 */
export function createSessions<Data extends object = Record<string, unknown>>(
  options: CreateSessionsOptions<Data>,
): Sessions<Data> {
  return buildSessions(options, carriersFor)
}
