/** How all hooks read a view: what they found is compared, and only a difference renders. */
import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react'

export interface Subscribable {
  subscribe(listener: () => void): () => void
}

/** What `read` finds in the view; it must find the very same as long as nothing changed. */
export function useReading<L extends Subscribable, T>(live: L, read: (live: L) => T): T {
  const subscribe = useCallback((listener: () => void) => live.subscribe(listener), [live])
  const get = () => read(live)
  return useSyncExternalStore(subscribe, get, get)
}

/** What `select` makes of an immutable part of the view, if the part is there. */
export function useSelected<L extends Subscribable, Part, T>(
  live: L,
  partOf: (live: L) => Part | undefined,
  select: (part: Part) => T,
): T | undefined {
  const shown = useRef<T>(undefined)
  const selected = useMemo(() => selecting(select, shown), [select])
  const value = useReading(live, (live) => selected(partOf(live)))
  useEffect(() => {
    shown.current = value
  }, [value])
  return value
}

/**
 * Selects once a part, since React asks more often and expects the very same answer. Whatever is
 * the same as before stays what it was, also when the selector is a new function in every render.
 */
function selecting<Part, T>(
  select: (part: Part) => T,
  shown: { readonly current: T | undefined },
): (part: Part | undefined) => T | undefined {
  let last: { readonly part: Part | undefined; readonly selected: T | undefined } | undefined
  return (part) => {
    if (last && last.part === part) return last.selected
    const before = last ? last.selected : shown.current
    const selected = part === undefined ? undefined : select(part)
    last = { part, selected: isSame(before, selected) ? before : selected }
    return last.selected
  }
}

/** The same value, or two arrays or plain objects that hold the same values. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => Object.is(item, b[index]))
  if (!isPlain(a) || !isPlain(b)) return false
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && Object.is(a[name], b[name]))
  )
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
