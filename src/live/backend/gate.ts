/**
 * The gate: what an instance shows waits here, in order, until the journal has every change that
 * can be seen in it. What shows nothing new passes at once, but never overtakes.
 */
import { limits } from '../../base/core/index.ts'

interface Waiting {
  /** How many writes must be durable first. */
  readonly after: number
  readonly show: () => void
}

export class Gate {
  /** Called when turns may begin again. */
  onOpen = (): void => {}
  readonly #waiting: Waiting[] = []
  #sent = 0
  #written = 0
  #unwrittenBytes = 0
  #isShut = false

  /** Whether so little is on its way to the journal that another turn may begin. */
  get isOpen(): boolean {
    return (
      !this.#isShut &&
      this.#sent - this.#written < limits.recordsUnwrittenMax &&
      this.#unwrittenBytes < limits.recordBytesUnwrittenMax
    )
  }

  /** A write went to the journal: what is shown from now on waits for it. */
  sent(bytes: number): void {
    this.#sent += 1
    this.#unwrittenBytes += bytes
  }

  /** The oldest write that was sent is durable. */
  written(bytes: number): void {
    const wasOpen = this.isOpen
    this.#written += 1
    this.#unwrittenBytes -= bytes
    this.#show()
    if (!wasOpen && this.isOpen) this.onOpen()
  }

  /** Calls `show` when all that was sent so far is durable. */
  pass(show: () => void): void {
    if (this.#isShut) return
    if (this.#sent === this.#written && this.#waiting.length === 0) show()
    else this.#waiting.push({ after: this.#sent, show })
  }

  /** Resolves when all that was sent so far is durable and shown. */
  passed(): Promise<void> {
    return new Promise((resolve) => this.pass(resolve))
  }

  /** Nothing is shown any more, and no turn begins: what comes now is lost. */
  shut(): void {
    this.#isShut = true
    this.#waiting.length = 0
  }

  #show(): void {
    let shown = 0
    // What is shown may let more pass: that joins the end of the line.
    for (const { after, show } of this.#waiting) {
      if (after > this.#written || this.#isShut) break
      shown += 1
      show()
    }
    this.#waiting.splice(0, shown)
  }
}
