import { isToken } from '../../base/secrets/index.ts'
import { headerText, type TokenCarrier } from '../session/index.ts'

const pattern = /^Bearer +(\S+) *$/i

/**
 * `Authorization: Bearer sjs_…` (RFC 6750 §2.1). Other bearers are somebody else's and ignored.
 */
export const bearerCarrier: TokenCarrier = {
  read(headers) {
    const [, token] = pattern.exec(headerText(headers, 'authorization') ?? '') ?? []
    return token !== undefined && isToken(token) ? [token] : []
  },
}
