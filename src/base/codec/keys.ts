/** The dictionary of keys: each is written in full once, then by number. */
import { dictionaryKeysMax, dictionaryKeyUnitsMax } from './format.ts'

/** Up to so many keys are found by looking at each: most dictionaries never need more. */
const listedMax = 24

/** The keys that one side of a stream has numbered, in the order in which they appeared. */
export class KeyNumbers {
  #listed: string[] = []
  /** All of them, once they are more than can be listed. */
  #numbers: Map<string, number> | undefined

  /** The number of a key; 0 when it has to be written in full, which numbers it if it may. */
  take(key: string): number {
    const known = this.#numbers ? (this.#numbers.get(key) ?? 0) : this.#listed.indexOf(key) + 1
    if (known > 0) return known
    if (fitsDictionary(key, this.#size)) this.#add(key)
    return 0
  }

  #add(key: string): void {
    if (this.#numbers) this.#numbers.set(key, this.#numbers.size + 1)
    else if (this.#listed.push(key) > listedMax)
      this.#numbers = new Map(this.#listed.map((one, at) => [one, at + 1]))
  }

  get #size(): number {
    return this.#numbers?.size ?? this.#listed.length
  }

  get isFull(): boolean {
    return this.#size >= dictionaryKeysMax
  }

  clear(): void {
    this.#listed = []
    this.#numbers = undefined
  }
}

/** Whether a dictionary of `size` keys takes this one: both sides decide it alike. */
export function fitsDictionary(key: string, size: number): boolean {
  return size < dictionaryKeysMax && key.length <= dictionaryKeyUnitsMax
}
