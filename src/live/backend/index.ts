/** `sojourn/backend`: what a session backend is made of. */
export type { Clock, Log } from '../../base/core/index.ts'
export { SojournError } from '../../base/core/index.ts'
export type {
  Action,
  ActionMaker,
  Actions,
  AlarmHandlers,
  Backend,
  BackendDefinition,
  Caller,
  ClientInput,
  Context,
  Handler,
  HttpRequest,
  HttpResponse,
  Tick,
} from './define.ts'
export { action, backend } from './define.ts'
