/** Sessions of HTTP requests, put together: the session and the ways its token travels. */
import '../base/core/hints.ts'
import { carriersFor } from './carriers/index.ts'
import {
  buildSessions,
  type CreateSessionsOptions,
  type DataByInitial,
  type DataBySchema,
  type Sessions,
} from './session/index.ts'

export type {
  CreateSessionsOptions,
  DataByInitial,
  DataBySchema,
  EndListener,
  EndReason,
  EventProps,
  EventSink,
  FreshOptions,
  HandOverOffer,
  HandOverOptions,
  LoginOptions,
  Replaced,
  Session,
  SessionEnd,
  SessionEvent,
  SessionInfo,
  SessionOptions,
  SessionRecord,
  SessionStore,
  Sessions,
  SessionTimes,
  SessionUser,
  TakeOverOptions,
  TokenState,
  Tombstone,
  UserLimit,
  Visitor,
} from './session/index.ts'

/**
 * Sessions without the rest of the platform.
 *
 * @throws TypeError, RangeError at once for options that can't work; in production `origins` and
 * `trustProxy` are required
 */
export function createSessions<Data extends object>(
  options: Untyped & DataBySchema<Data>,
): Sessions<Data>
export function createSessions<Data extends object = Record<string, unknown>>(
  options: Untyped & DataByInitial<Data>,
): Sessions<Data>
export function createSessions<Data extends object>(
  options: Untyped & (DataBySchema<Data> | DataByInitial<Data>),
): Sessions<Data> {
  return openSessions(options as CreateSessionsOptions<Data>)
}

/** The same for whoever hands options on, whose type has been found already. */
export function openSessions<Data extends object>(
  options: CreateSessionsOptions<Data>,
): Sessions<Data> {
  return buildSessions(options, carriersFor)
}

type Untyped = Omit<CreateSessionsOptions, 'schema' | 'initial'>
