import type { Awaitable } from '../../base/core/index.ts'
import { hashToken } from '../../base/secrets/index.ts'
import type { Core, Found } from './core.ts'
import type { TokenState } from './store.ts'

const nothing: Found = {
  tokenHash: undefined,
  record: undefined,
  barred: undefined,
}

/** What a request's token leads to. */
export function find<Data extends object>(
  { cache }: Core<Data>,
  token: string | undefined,
): Awaitable<Found> {
  if (token === undefined) return nothing
  const tokenHash = hashToken(token)
  const state = cache.read(tokenHash)
  return state instanceof Promise
    ? state.then((late) => foundBy(tokenHash, late))
    : foundBy(tokenHash, state)
}

function foundBy(tokenHash: string, state: TokenState): Found {
  if (state?.kind === 'live') {
    return { tokenHash, record: state.record, barred: undefined }
  }
  const reason = state?.reason
  // After expiry and revocation no other response brings a successor: the visitor may start anew.
  if (reason === undefined || reason === 'expired' || reason === 'revoked') return nothing
  return { ...nothing, tokenHash, barred: reason }
}
