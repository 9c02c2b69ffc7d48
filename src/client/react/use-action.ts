import { useMemo, useSyncExternalStore } from 'react'
import type { SojournError } from '../../base/core/index.ts'
import { type Call, Calls } from './calls.ts'

/** An action, and how the calls of one component went. */
export interface UsedAction<C extends Call> {
  /**
   * Calls the action; its promise settles as that of `live.actions` does. Whoever doesn't wait for
   * it needs no `catch`: `error` says what went wrong.
   */
  readonly call: C
  /** Whether a call has no answer yet. */
  readonly pending: boolean
  /** The newest refusal since the last call began. */
  readonly error: SojournError | undefined
  /** Forgets the error, and calls that have no answer yet: they run, but show no more. */
  reset(): void
}

/**
 * An action of the view, with what a button or a form must know of it: calls that this component
 * made. Another view or name begins anew.
 *
 * @param name the action's name in the backend
 */
export function useAction<
  Actions extends Readonly<Record<string, Call>>,
  Name extends keyof Actions & string,
>(live: { readonly actions: Actions }, name: Name): UsedAction<Actions[Name]> {
  const calls = useMemo(() => new Calls(live.actions[name] as Actions[Name]), [live, name])
  const { pending, error } = useSyncExternalStore(calls.subscribe, calls.read, calls.read)
  return { call: calls.call, pending, error, reset: calls.reset }
}
