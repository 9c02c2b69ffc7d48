import { hashToken } from '../../base/secrets/index.ts'
import type { Core, Found } from './core.ts'
import type { Steps } from './steps.ts'

const nothing: Found = {
  tokenHash: undefined,
  record: undefined,
  isReplaced: false,
  barred: undefined,
}

/** What a request's token leads to. */
export function* find<Data extends object>(
  { cache }: Core<Data>,
  token: string | undefined,
): Steps<Found> {
  if (token === undefined) return nothing
  const tokenHash = hashToken(token)
  const state = yield* cache.read(tokenHash)
  if (state?.kind === 'live') {
    const { record, isReplaced } = state
    return { tokenHash, record, isReplaced, barred: undefined }
  }
  const reason = state?.reason
  // After expiry and revocation no other response brings a successor: the visitor may start anew.
  if (reason === undefined || reason === 'expired' || reason === 'revoked') return nothing
  return { ...nothing, tokenHash, barred: reason }
}
