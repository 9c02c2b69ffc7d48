import { isToken } from '../../base/secrets/index.ts'
import { headerText, type TokenCarrier } from '../session/index.ts'

const pattern = /^Bearer +(\S+) *$/i

const none: readonly string[] = []

/**
 * `Authorization: Bearer sjs_…` (RFC 6750 §2.1). Other bearers are somebody else's and ignored.
 */
export const bearerCarrier: TokenCarrier = {
  read(headers) {
    const text = headerText(headers, 'authorization')
    if (text === undefined) return none
    const [, token] = pattern.exec(text) ?? []
    return token !== undefined && isToken(token) ? [token] : none
  },
}
