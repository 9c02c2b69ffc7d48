/** The keys that one turn wrote in one object or Map. */

/** Stands for a key that isn't there. */
export const absent: unique symbol = Symbol('absent')

/**
 * A key that was written or deleted. It is no class: engines forget the shape of instances, and
 * the code compiled for it, when none is alive, as none is between two turns.
 */
export interface Write {
  readonly key: string
  /** Its value when the turn began; `absent` when it had none. */
  readonly before: unknown
  /** What it was written last, as its raw has it; `absent` when it was deleted. */
  now: unknown
  /** Whether the turn had read it, or anything inside, before it wrote; known on demand only. */
  readonly wasRead: boolean
  /** Whether it was deleted and written again: it is the last key then. */
  isReinserted: boolean
  previous: Write | undefined
  next: Write | undefined
}

/** More writes than this are looked up by a Map. */
const chainMax = 8

/**
 * Writes by key; keys that were inserted stand in the order of their insertion. Why its fields are
 * no `#` fields: see `Writer`.
 */
export class Writes {
  first: Write | undefined
  private last: Write | undefined
  private count = 0
  private byKey: Map<string, Write> | undefined

  find(key: string): Write | undefined {
    if (this.byKey) return this.byKey.get(key)
    let write = this.first
    while (write !== undefined && write.key !== key) write = write.next
    return write
  }

  add(key: string, before: unknown, now: unknown, wasRead: boolean): void {
    const last = this.last
    const write: Write = {
      key,
      before,
      now,
      wasRead,
      isReinserted: false,
      previous: last,
      next: undefined,
    }
    if (last === undefined) this.first = write
    else last.next = write
    this.last = write
    this.count += 1
    if (this.count > chainMax) {
      this.byKey ??= new Map(Array.from(this, (one) => [one.key, one]))
      this.byKey.set(key, write)
    }
  }

  /** Its key was inserted anew, behind all others. */
  reinsert(write: Write): void {
    write.isReinserted = true
    if (write === this.last) return
    if (write.previous) write.previous.next = write.next
    else this.first = write.next
    if (write.next) write.next.previous = write.previous
    const last = this.last as Write
    write.previous = last
    write.next = undefined
    last.next = write
    this.last = write
  }

  clear(): void {
    this.first = undefined
    this.last = undefined
    this.count = 0
    this.byKey = undefined
  }

  *[Symbol.iterator](): Generator<Write> {
    for (let write = this.first; write; write = write.next) yield write
  }
}
