export type { AdapterOptions } from './adapter.ts'
export { open, openThen } from './adapter.ts'
export type { Commitment } from './barrier.ts'
export { barrier } from './barrier.ts'
export type { Carriers, CookieCarrier, HeaderRecord, TokenCarrier } from './carrier.ts'
export { headerText } from './carrier.ts'
export type { EventProps, EventSink, SessionEvent } from './events.ts'
export { problemResponse, sealResponse } from './fetch-barrier.ts'
export { isAboutReaders } from './headers.ts'
export type { Policy } from './policy.ts'
export { isTouchDue, sessionLimits, timesAt } from './policy.ts'
export type { Problem } from './problem.ts'
export { problemOf } from './problem.ts'
export { Queue } from './queue.ts'
export type { Opening, RequestFacts } from './requests.ts'
export { withAllHosts } from './requests.ts'
export { buildSessions } from './sessions.ts'
export type { SessionsSource } from './source.ts'
export { sessionsOf } from './source.ts'
export type {
  EndReason,
  Replaced,
  SessionEnd,
  SessionRecord,
  SessionStore,
  SessionTimes,
  SessionUser,
  TokenState,
  Tombstone,
  UserLimit,
  Watch,
} from './store.ts'
export type {
  CreateSessionsOptions,
  DataByInitial,
  DataBySchema,
  EndListener,
  FreshOptions,
  HandOverOffer,
  HandOverOptions,
  LoginOptions,
  Session,
  SessionInfo,
  SessionOptions,
  Sessions,
  TakeOverOptions,
  Visitor,
} from './types.ts'
export type { Visit } from './visit.ts'
