import { debuglog } from 'node:util'

/** What happens to a request, for `NODE_DEBUG=express-session`. */
export const debug: (message: string, ...values: unknown[]) => void = debuglog('express-session')

/** Says once per call what will stop working. */
export function deprecate(message: string): void {
  process.emitWarning(`express-session: ${message}`, 'DeprecationWarning')
}
