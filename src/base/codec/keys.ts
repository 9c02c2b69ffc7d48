/** The dictionary of keys: each is written in full once, then by number. */
import { dictionaryKeysMax, dictionaryKeyUnitsMax } from './format.ts'

/** The keys that one side of a stream has numbered, in the order in which they appeared. */
export class KeyNumbers {
  readonly #numbers = new Map<string, number>()

  /** The number of a key; 0 when it has to be written in full, which numbers it if it may. */
  take(key: string): number {
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    if (fitsDictionary(key, this.#numbers.size)) this.#numbers.set(key, this.#numbers.size + 1)
    return 0
  }

  get isFull(): boolean {
    return this.#numbers.size >= dictionaryKeysMax
  }

  clear(): void {
    this.#numbers.clear()
  }
}

/** Whether a dictionary of `size` keys takes this one: both sides decide it alike. */
export function fitsDictionary(key: string, size: number): boolean {
  return size < dictionaryKeysMax && key.length <= dictionaryKeyUnitsMax
}
