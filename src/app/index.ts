/** `sojourn`: the platform. */
export type { Clock, ErrorCode, ErrorEntry, Log } from '../base/core/index.ts'
export { errorTable, isSojournError, SojournError } from '../base/core/index.ts'
export type { Ask, Authorize } from '../live/gateway/gateway.ts'
export type { Session, SessionOptions, Sessions, Visitor } from '../web/index.ts'
export { createSessions } from '../web/index.ts'
export type { BackendOptions, SojournOptions } from './options.ts'
export type { Sojourn } from './platform.ts'
export { sojourn } from './platform.ts'
