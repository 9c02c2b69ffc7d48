/** `sojourn/client`: a live, typed view of one instance, for browsers and Node ≥ 22. */
import { type ConnectOptions, LiveView } from './live-view.ts'
import type { BackendType, Live } from './types.ts'

export type { ErrorCode } from '../base/core/index.ts'
export { isSojournError, SojournError } from '../base/core/index.ts'
export type { DeepReadonly } from '../base/state/index.ts'
export type { SocketLike } from './link.ts'
export type { ConnectOptions } from './live-view.ts'
export type {
  ActionsOf,
  BackendType,
  IdentityOf,
  InputOf,
  LinkFigures,
  Live,
  Other,
  PresenceOf,
  StateOf,
  Status,
} from './types.ts'

/**
 * Connects to an instance and keeps connected.
 *
 * @param address `/live/<backend>/<key>` on this page's server, or a whole http(s) or ws(s) URL
 * @throws TypeError for an address that is no URL
 */
export function connect<B extends BackendType>(
  address: string,
  options: ConnectOptions = {},
): Live<B> {
  return new LiveView<B>(address, options)
}
