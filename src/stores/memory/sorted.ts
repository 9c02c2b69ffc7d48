/** How many entries lie in one run before it is cut in two: what a change moves at most. */
const runMax = 512

/**
 * Entries in order: an array of short sorted arrays. A change costs two binary searches and a move
 * of at most `runMax` entries, however many there are; reading on from a place costs what is read.
 */
export class Sorted<Entry> {
  readonly #compare: (one: Entry, other: Entry) => number
  readonly #runs: Entry[][] = []

  /** @param compare tells any two entries apart: 0 only for the same one */
  constructor(compare: (one: Entry, other: Entry) => number) {
    this.#compare = compare
  }

  add(entry: Entry): void {
    const { at, run } = this.#runOf(entry)
    if (!run) {
      this.#runs.push([entry])
      return
    }
    run.splice(this.#indexIn(run, entry), 0, entry)
    if (run.length > runMax) this.#runs.splice(at + 1, 0, run.splice(runMax / 2))
  }

  /** Nothing happens when it isn't there. */
  delete(entry: Entry): void {
    const { at, run } = this.#runOf(entry)
    if (!run) return
    const index = this.#indexIn(run, entry)
    const found = run[index]
    if (found === undefined || this.#compare(found, entry) !== 0) return
    run.splice(index, 1)
    if (run.length === 0) this.#runs.splice(at, 1)
  }

  /** In order, from the first that is not before `start`. To be read before anything changes. */
  *from(start?: Entry): Generator<Entry> {
    let { at, run } = start === undefined ? { at: 0, run: this.#runs[0] } : this.#runOf(start)
    let index = run && start !== undefined ? this.#indexIn(run, start) : 0
    for (; run; run = this.#runs[++at], index = 0)
      for (; index < run.length; index++) yield run[index] as Entry
  }

  /** The last run that starts at or before the entry, else the first. */
  #runOf(entry: Entry): { at: number; run: Entry[] | undefined } {
    const after = firstIndex(this.#runs, (run) => this.#compare(run[0] as Entry, entry) > 0)
    const at = Math.max(after - 1, 0)
    return { at, run: this.#runs[at] }
  }

  #indexIn(run: readonly Entry[], entry: Entry): number {
    return firstIndex(run, (one) => this.#compare(one, entry) >= 0)
  }
}

/** Where `isPast` turns true, in a list where it is false first and true from there on. */
function firstIndex<Item>(items: readonly Item[], isPast: (item: Item) => boolean): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isPast(items[middle] as Item)) high = middle
    else low = middle + 1
  }
  return low
}
