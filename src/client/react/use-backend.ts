import { useCallback, useSyncExternalStore } from 'react'
import { SojournError } from '../../base/core/index.ts'
import type { DeepReadonly } from '../../base/state/index.ts'
import { type ShareOptions, sharedView } from '../shared.ts'
import type { BackendType, Live, StateOf } from '../types.ts'
import { unconnected } from '../unconnected.ts'
import { useReading } from './use-reading.ts'

export interface BackendOptions extends ShareOptions {
  /**
   * Suspends until there is a state; an error that closes the view, also later, is thrown to the
   * nearest error boundary. On a server the nearest fallback is rendered. Default: false.
   */
  readonly suspense?: boolean
}

/** A view that has its state. */
export interface Loaded<B extends BackendType> extends Live<B> {
  readonly state: DeepReadonly<StateOf<B>>
}

interface View {
  readonly live: Live<BackendType>
  /** None on a server: nothing will arrive there. */
  readonly arrival: Promise<void> | undefined
}

const onServer: View = { live: unconnected(), arrival: undefined }

/**
 * The live view of an instance, connected while a component that uses it is mounted. Components
 * that name the same address (and visitor) share one connection, made with the options of the
 * first. It outlives the last of them by a second, so that a change of route does not reconnect.
 *
 * It renders again only for another view; read the view by `useSelector`, `useStatus` and
 * `usePresence`. A server renders a view without a connection, and so does hydration at first.
 *
 * @param address `/live/<backend>/<key>` on this page's server, or a whole http(s) or ws(s) URL
 * @throws TypeError for an address that is no URL
 */
export function useBackend<B extends BackendType>(
  address: string,
  options: BackendOptions & { readonly suspense: true },
): Loaded<B>
export function useBackend<B extends BackendType>(
  address: string,
  options?: BackendOptions,
): Live<B>
export function useBackend<B extends BackendType>(
  address: string,
  options: BackendOptions = {},
): Live<B> {
  const view = () => sharedView(address, options)
  // biome-ignore lint/correctness/useExhaustiveDependencies: who shares a view agrees on the rest.
  const hold = useCallback(() => view().hold(), [address, options.visitor])
  const { live, arrival } = useSyncExternalStore<View>(hold, view, () => onServer)
  const error = useReading(live, options.suspense ? errorOf : none)
  if (error) throw error
  if (options.suspense && !live.state) {
    // Thrown, a promise suspends in every version of React; `use` is of 19.
    throw arrival && live.status !== 'closed' ? arrival : new SojournError('CONNECTION_CLOSED')
  }
  return live as unknown as Live<B>
}

const errorOf = (live: Live<BackendType>): SojournError | undefined => live.error
const none = (): undefined => undefined
