import type { SessionStore } from '../../src/web/session/index.ts'

export interface CountedOptions {
  /** How long every call takes; left out, the store answers at once. */
  readonly delayMs?: number | undefined
  /** Called with the name of each call before it is carried out; may throw. */
  readonly note: (name: string) => void
}

/**
 * A store that tells of its calls and dawdles; to watch it is no call. `forget` makes whoever
 * watches it forget what was read.
 */
export function countedStore(store: SessionStore, { delayMs, note }: CountedOptions) {
  let forget = (): void => {}
  const counted =
    (name: string, run: (...args: unknown[]) => unknown) =>
    (...args: unknown[]): unknown => {
      const call = (): unknown => {
        note(name)
        return Reflect.apply(run, store, args)
      }
      if (delayMs === undefined) return call()
      return new Promise((resolve) => setTimeout(resolve, delayMs)).then(call)
    }
  const watch: SessionStore['watch'] = (changed) => {
    forget = () => changed(undefined)
    return store.watch(changed)
  }
  const proxy = new Proxy(store, {
    get(target, name: string) {
      if (name === 'answersAtOnce') return delayMs === undefined
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return name === 'watch' ? watch : counted(name, value as () => unknown)
    },
  })
  return { store: proxy, forget: () => forget() }
}
