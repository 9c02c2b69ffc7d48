/** What a process says on its outputs: to the log line by line, and the last of it kept. */
import type { Readable } from 'node:stream'
import { limits } from '../../base/core/index.ts'
import { onLines } from './lines.ts'

/** What is told of a process that ended against its will. */
const lastOutputCharsMax = 2_000

export class Output {
  readonly #lines: string[] = []
  #chars = 0

  /** Follows a stream; `onLine` gets each line. */
  follow(stream: Readable, onLine: (line: string) => void): void {
    onLines(stream, (line) => {
      this.#keep(line)
      onLine(line)
    })
  }

  /** The last lines, oldest first, at most `outputCharsKept` characters. */
  get lines(): readonly string[] {
    return this.#lines
  }

  /** The very last of it. */
  tail(charsMax: number = lastOutputCharsMax): string {
    return this.#lines.join('\n').slice(-charsMax)
  }

  #keep(line: string): void {
    this.#lines.push(line)
    this.#chars += line.length
    while (this.#chars > limits.outputCharsKept) this.#chars -= this.#lines.shift()?.length ?? 0
  }
}
