/** `sojourn`: the platform. */
export type { ErrorEntry } from '../base/core/hints.ts'
export { errorTable } from '../base/core/hints.ts'
export type { Clock, ErrorCode, Log } from '../base/core/index.ts'
export { isSojournError, SojournError } from '../base/core/index.ts'
export type { InstanceName, Phase, StatusChange, StopReason } from '../base/protocol/index.ts'
export type { Ask, Authorize } from '../live/gateway/gateway.ts'
export type {
  InstanceChange,
  InstanceEnd,
  InstanceInfo,
  InstanceNews,
  InstancePage,
  Instances,
  ListInstances,
} from '../live/gateway/instances.ts'
export type { TicketFor, TicketOptions } from '../live/gateway/tickets.ts'
export type {
  Analytics,
  AnalyticsOptions,
  Bucket,
  EventCount,
  EventStore,
  Figures,
  FunnelStep,
  Lengths,
  StoredEvent,
  TimeSpan,
} from '../web/analytics/index.ts'
export { createAnalytics } from '../web/analytics/index.ts'
export type {
  CreateSessionsOptions,
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
} from '../web/index.ts'
export { createSessions } from '../web/index.ts'
export type { BackendOptions, SojournOptions } from './options.ts'
export type { Sojourn } from './platform.ts'
export { sojourn } from './platform.ts'
