import { isToken } from '../../base/secrets/index.ts'
import { type HeaderRecord, headerText, type TokenCarrier } from '../session/index.ts'

const bearerPattern = /^Bearer +(\S+) *$/i
const none: readonly string[] = []

export interface HeaderCarrierOptions {
  readonly bearer: boolean
  /** Lower case. */
  readonly header: string | undefined
}

/**
 * `Authorization: Bearer sjs_…` (RFC 6750 §2.1), where other bearers are somebody else's and
 * ignored, and a header of the application's own that holds the token alone.
 */
export function headerCarrier({ bearer, header }: HeaderCarrierOptions): TokenCarrier {
  return {
    read(headers) {
      const carried = bearer ? bearerIn(headers) : none
      if (header === undefined) return carried
      const own = headerText(headers, header)?.split(',') ?? none
      return [...new Set([...carried, ...own.map((text) => text.trim()).filter(isToken)])]
    },
    without(name, value) {
      // Also where no bearer is read: a token is one wherever it stands.
      return name === header || bearerIn({ [name]: value }).length > 0 ? undefined : value
    },
  }
}

function bearerIn(headers: HeaderRecord): readonly string[] {
  const text = headerText(headers, 'authorization')
  if (text === undefined) return none
  const [, token] = bearerPattern.exec(text) ?? []
  return token !== undefined && isToken(token) ? [token] : none
}
