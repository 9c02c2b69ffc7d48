/** The line in the head of a live room that says how its connection is, and what to do about it. */
import type { Wire } from './meter.ts'

const texts = {
  connecting: 'Connecting…',
  live: 'Live',
  stale: 'Connection lost: this is the last state. Reconnecting…',
  closed: 'Closed',
} as const

/** Codes that say that the visitor's session is another one now, or none. */
const sessionCodes: readonly string[] = ['UNAUTHENTICATED', 'SESSION_ENDED', 'SESSION_ROTATED']

export function Connection(props: { live: Wire; onAgain: () => void }) {
  const { live, onAgain } = props
  const { status, error } = live
  const isOverBySession = error !== undefined && sessionCodes.includes(error.code)
  return (
    <div class={`connection is-${status}`} role="status" data-code={error?.code}>
      <span class="lamp" aria-hidden="true" />
      <span>
        {texts[status]}
        {error &&
          (isOverBySession
            ? `: your session ended or changed, here or in another tab (${error.code}).`
            : `: ${error.message} (${error.code})`)}
      </span>
      {status === 'closed' && (
        <button type="button" onClick={onAgain}>
          {isOverBySession ? 'Enter again' : 'Connect again'}
        </button>
      )}
    </div>
  )
}
