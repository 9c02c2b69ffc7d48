import type { Carriers, Policy } from '../session/index.ts'
import { cookieCarrier } from './cookie.ts'
import { headerCarrier } from './header.ts'

/**
 * The cookie and the headers. `__Host-` binds the cookie to one host over TLS, so that no
 * sibling domain can plant one. In development there is no TLS, and browsers share cookies between
 * ports: the name tells the servers apart.
 */
export function carriersFor({ developmentPort: port, bearer, header }: Policy): Carriers {
  const cookie =
    port === undefined
      ? cookieCarrier('__Host-sojourn', true)
      : cookieCarrier(`sojourn-dev-${port}`, false)
  return { cookie, header: headerCarrier({ bearer, header }) }
}
