import type { Sessions } from './types.ts'

/** What adapters are given: the platform, or its sessions alone. */
export type SessionsSource<Data extends object> =
  | Sessions<Data>
  | { readonly sessions: Sessions<Data> }

/** The sessions of either. */
export function sessionsOf<Data extends object>(source: SessionsSource<Data>): Sessions<Data> {
  return 'sessions' in source ? source.sessions : source
}
