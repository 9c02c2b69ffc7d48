/**
 * Where the frames of a WebSocket stream end (RFC 6455 §5.2): enough to put a frame between two, and
 * to tell that somebody said something. It counts; what is in the frames it never looks at.
 */
export class FrameCounter {
  readonly #onFrame: (opcode: number) => void
  readonly #head = Buffer.alloc(14)
  #headBytes = 0
  #payloadBytes = 0

  /** @param onFrame called once the head of a frame has passed */
  constructor(onFrame: (opcode: number) => void = () => {}) {
    this.#onFrame = onFrame
  }

  /** Whether what passed so far ends with the end of a frame. */
  get isBetween(): boolean {
    return this.#headBytes === 0 && this.#payloadBytes === 0
  }

  pass(chunk: Uint8Array): void {
    let at = 0
    while (at < chunk.length) {
      const skipped = Math.min(this.#payloadBytes, chunk.length - at)
      this.#payloadBytes -= skipped
      at += skipped
      if (at === chunk.length) return
      this.#head[this.#headBytes] = chunk[at] as number
      this.#headBytes += 1
      at += 1
      this.#enter()
    }
  }

  #enter(): void {
    const head = this.#head
    if (this.#headBytes < 2) return
    const length = (head[1] as number) & 0x7f
    const lengthBytes = length === 127 ? 8 : length === 126 ? 2 : 0
    const maskBytes = (head[1] as number) & 0x80 ? 4 : 0
    if (this.#headBytes < 2 + lengthBytes + maskBytes) return
    this.#headBytes = 0
    this.#payloadBytes = lengthBytes === 0 ? length : lengthIn(head, lengthBytes)
    this.#onFrame((head[0] as number) & 0x0f)
  }
}

function lengthIn(head: Buffer, bytes: 2 | 8): number {
  return bytes === 2 ? head.readUInt16BE(2) : Number(head.readBigUInt64BE(2))
}

/** A close frame of a server, unmasked. */
export function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason)
  return Buffer.concat([Buffer.from([0x88, 2 + text.length, code >> 8, code & 0xff]), text])
}
