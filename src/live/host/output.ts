/**
 * What a process says on its outputs: line by line to the log, as far as the log can take it, and
 * the last of it kept. A flood costs its host the reading and nothing else.
 */
import type { Readable } from 'node:stream'
import { type Clock, limits } from '../../base/core/index.ts'

/** Where lines go; `dropped` tells how many did not, within a second. */
export interface OutputSink {
  line(text: string): void
  dropped(lines: number): void
}

const windowMs = 1_000

/** What is told of a process that ended against its will. */
const lastOutputCharsMax = 2_000

export class Output {
  readonly #clock: Clock
  readonly #sink: OutputSink
  /** The last chunks: what is kept, and at most one more. */
  readonly #chunks: string[] = []
  #chars = 0
  /** Lines that the running second has seen; `undefined` while nothing is said. */
  #inWindow: number | undefined

  constructor(clock: Clock, sink: OutputSink) {
    this.#clock = clock
    this.#sink = sink
  }

  /** Follows a stream to its end. */
  follow(stream: Readable): void {
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (chunk: string) => {
      this.#keep(chunk)
      const end = chunk.lastIndexOf('\n')
      if (end >= 0) this.#take(rest + chunk.slice(0, end))
      rest = (end >= 0 ? '' : rest) + chunk.slice(end + 1)
      // One char more than a line may have, so that it is known to be cut.
      rest = rest.slice(0, limits.outputLineCharsMax + 1)
    })
    stream.on('end', () => this.#take(rest))
  }

  /** The last of it, oldest first, at most `outputCharsKept` characters, whatever the log got. */
  get lines(): readonly string[] {
    const tail = this.#chunks.join('').slice(-limits.outputCharsKept)
    return tail.split('\n').filter((line) => line.trim())
  }

  /** The very last of it. */
  tail(charsMax: number = lastOutputCharsMax): string {
    return this.lines.join('\n').slice(-charsMax)
  }

  /** Counts a line that comes another way; false when it must be dropped. */
  admits(): boolean {
    const hasRoom = this.#hasRoom()
    this.#count(1)
    return hasRoom
  }

  #keep(chunk: string): void {
    this.#chunks.push(chunk)
    this.#chars += chunk.length
    for (;;) {
      const [{ length } = ''] = this.#chunks
      if (this.#chars - length < limits.outputCharsKept) return
      this.#chunks.shift()
      this.#chars -= length
    }
  }

  /** Takes whole lines. */
  #take(text: string): void {
    let start = 0
    while (start < text.length && this.#hasRoom()) {
      const end = text.indexOf('\n', start)
      const line = text.slice(start, end < 0 ? text.length : end)
      if (line.trim()) {
        this.#count(1)
        this.#sink.line(cut(line))
      }
      start = end < 0 ? text.length : end + 1
    }
    if (start < text.length) this.#count(linesIn(text, start))
  }

  #hasRoom(): boolean {
    return (this.#inWindow ?? 0) < limits.outputLinesPerSecondMax
  }

  #count(lines: number): void {
    if (this.#inWindow === undefined) this.#clock.after(windowMs, () => this.#closeWindow())
    this.#inWindow = (this.#inWindow ?? 0) + lines
  }

  #closeWindow(): void {
    const dropped = (this.#inWindow ?? 0) - limits.outputLinesPerSecondMax
    this.#inWindow = undefined
    if (dropped > 0) this.#sink.dropped(dropped)
  }
}

function cut(line: string): string {
  const { outputLineCharsMax: max } = limits
  return line.length > max ? `${line.slice(0, max)} … (cut)` : line
}

function linesIn(text: string, start: number): number {
  let lines = 1
  for (let at = text.indexOf('\n', start); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1
  return lines
}
