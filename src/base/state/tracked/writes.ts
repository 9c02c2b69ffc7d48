/** The keys that one turn wrote in one object or Map. */

/** Stands for a key that isn't there. */
export const absent: unique symbol = Symbol('absent')

/** A key that was written or deleted. What it holds now is in the raw. */
export class Write {
  readonly key: string
  /** Its value when the turn began; `absent` when it had none. */
  readonly before: unknown
  /** Whether the turn had read it, or anything inside, before it wrote; known on demand only. */
  readonly wasRead: boolean
  /** Whether it was deleted and written again: it is the last key then. */
  isReinserted = false
  previous: Write | undefined
  next: Write | undefined

  constructor(key: string, before: unknown, wasRead: boolean) {
    this.key = key
    this.before = before
    this.wasRead = wasRead
  }
}

/** More writes than this are looked up by a Map. */
const chainMax = 8

/** Writes by key; keys that were inserted stand in the order of their insertion. */
export class Writes {
  first: Write | undefined
  #last: Write | undefined
  #count = 0
  #byKey: Map<string, Write> | undefined

  find(key: string): Write | undefined {
    if (this.#byKey) return this.#byKey.get(key)
    let write = this.first
    while (write !== undefined && write.key !== key) write = write.next
    return write
  }

  add(write: Write): void {
    this.#append(write)
    this.#count += 1
    if (this.#count > chainMax) {
      this.#byKey ??= new Map(Array.from(this, (one) => [one.key, one]))
      this.#byKey.set(write.key, write)
    }
  }

  #append(write: Write): void {
    write.previous = this.#last
    write.next = undefined
    if (this.#last) this.#last.next = write
    else this.first = write
    this.#last = write
  }

  /** Its key was inserted anew, behind all others. */
  reinsert(write: Write): void {
    write.isReinserted = true
    if (write === this.#last) return
    if (write.previous) write.previous.next = write.next
    else this.first = write.next
    if (write.next) write.next.previous = write.previous
    this.#append(write)
  }

  clear(): void {
    this.first = undefined
    this.#last = undefined
    this.#count = 0
    this.#byKey = undefined
  }

  *[Symbol.iterator](): Generator<Write> {
    for (let write = this.first; write; write = write.next) yield write
  }
}
