import { useCallback } from 'react'
import type { SojournError } from '../../base/core/index.ts'
import type { Status } from '../types.ts'
import { type Subscribable, useReading, useSelected } from './use-reading.ts'

/**
 * What `select` makes of the state; `undefined` until there is one. The component renders again
 * only when that changed: parts of the state keep their identity, and an array or a plain object
 * that `select` makes anew is compared item by item, one level deep.
 *
 * @param select a pure function of the state; it may be another one in every render
 */
export function useSelector<L extends Subscribable & { readonly state: unknown }, T>(
  live: L,
  select: (state: NonNullable<L['state']>) => T,
): T | Extract<L['state'], undefined> {
  return useSelected(live, stateOf<L>, select) as T | Extract<L['state'], undefined>
}

/** Where the view stands, and the error that closed it, if that was not `close()`. */
export function useStatus(
  live: Subscribable & { readonly status: Status; readonly error: SojournError | undefined },
): { readonly status: Status; readonly error: SojournError | undefined } {
  const status = useReading(live, (live) => live.status)
  const error = useReading(live, (live) => live.error)
  return { status, error }
}

interface Presence {
  readonly others: readonly unknown[]
  set(value: never): void
}

/**
 * The other connections, and how to show them a value of our own (≤ 4 KiB, sent at most every
 * 33 ms; the newest wins; `null` shows nothing). Renders again only when the others changed.
 */
export function usePresence<L extends Subscribable & { readonly presence: Presence }>(
  live: L,
): readonly [others: L['presence']['others'], show: L['presence']['set']] {
  const others = useSelected(live, othersOf<L>, asIs)
  const show = useCallback((value: never) => live.presence.set(value), [live])
  return [others ?? [], show]
}

const stateOf = <L extends { readonly state: unknown }>(
  live: L,
): NonNullable<L['state']> | undefined => live.state ?? undefined
const othersOf = <L extends { readonly presence: Presence }>(live: L): L['presence']['others'] =>
  live.presence.others
const asIs = <T>(value: T): T => value
