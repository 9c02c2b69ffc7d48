/** Numbered questions that wait for their answer, for peers that leave this to their users. */
interface Call {
  resolve(): void
  reject(error: Error): void
}

export class Calls {
  readonly #open = new Map<number, Call>()
  #last = 0

  open(send: (n: number) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#last += 1
      this.#open.set(this.#last, { resolve, reject })
      send(this.#last)
    })
  }

  settle(n: number): void {
    this.#open.get(n)?.resolve()
    this.#open.delete(n)
  }

  fail(error: Error): void {
    for (const call of this.#open.values()) call.reject(error)
    this.#open.clear()
  }
}
