// TEMPORARY STAND-IN, to be replaced by the real entry file.
import { decode, encode } from '@msgpack/msgpack'
export type DeepReadonly<T> = T
export interface Tracked<T extends object> { readonly state: T; readonly seq: number; flush(): Uint8Array | undefined; snapshot(): Uint8Array; rollback(): void }
export interface Replica<T> { readonly state: DeepReadonly<T> | undefined; readonly seq: number; apply(bytes: Uint8Array): 'applied' | 'duplicate' | 'gap' }
const mk = (kind: number, seq: number, v: unknown) => encode([1, kind, seq, v])
export function track<T extends object>(initial: T, o: { guard?: () => void } = {}, seq0 = 0): Tracked<T> {
  let seq = seq0
  let saved = JSON.stringify(initial)
  let root = JSON.parse(saved)
  const wrap = (x: any): any => (x && typeof x === 'object' ? new Proxy(x, { get: (t, k) => wrap(Reflect.get(t, k)), set: (t, k, v) => { o.guard?.(); return Reflect.set(t, k, v) } }) : x)
  return {
    get state() { return wrap(root) }, get seq() { return seq },
    flush() { const now = JSON.stringify(root); if (now === saved) return undefined; saved = now; seq++; return mk(1, seq, root) },
    snapshot: () => mk(0, seq, root),
    rollback() { root = JSON.parse(saved) },
  }
}
export function restore<T extends object>(s: Uint8Array, frames: Iterable<Uint8Array>, o = {}): Tracked<T> {
  let [, , seq, v] = decode(s) as any
  for (const f of frames) [, , seq, v] = decode(f) as any
  return track(v, o, seq)
}
export function replica<T>(): Replica<T> {
  let state: any, seq = -1
  return { get state() { return state }, get seq() { return seq }, apply(b) { const [, k, s, v] = decode(b) as any; if (k === 1 && s <= seq) return 'duplicate'; if (k === 1 && s !== seq + 1) return 'gap'; seq = s; state = v; return 'applied' } }
}
