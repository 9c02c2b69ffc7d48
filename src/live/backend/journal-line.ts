/** A process's end of the journal pipe: its instances ask the host to write, and wait for its word. */
import type { Duplex } from 'node:stream'
import { SojournError } from '../../base/core/index.ts'
import {
  encodeJournalRequest,
  type JournalRequest,
  parseJournalReply,
  splitMessages,
} from '../../base/protocol/index.ts'

/** Makes the changes of one instance durable. */
export interface JournalWriter {
  /**
   * Asks for a write; `written` is called when it is durable, in the order of the calls. It is
   * never called for one that is refused or lost: the instance has failed then.
   */
  write(request: JournalRequest, written: () => void): void
  /** The instance has ended: it writes nothing any more and waits for nothing. */
  close(): void
}

export interface JournalLine {
  /**
   * The writer of one instance.
   *
   * @param fail called once at most, when a write was refused or nothing is known of it: the
   *   instance must end without showing anything any more
   */
  writer(instance: number, fail: (error: SojournError) => void): JournalWriter
}

interface Waiting {
  readonly seq: number
  readonly written: () => void
}

interface Writing {
  readonly waiting: Waiting[]
  readonly fail: (error: SojournError) => void
}

export function createJournalLine(pipe: Duplex): JournalLine {
  const writings = new Map<number, Writing>()

  function failAll(error: SojournError): void {
    for (const { fail } of writings.values()) fail(error)
    writings.clear()
  }

  const onChunk = splitMessages((bytes) => {
    const { instance, type, seq } = parseJournalReply(bytes)
    const writing = writings.get(instance)
    const oldest = writing?.waiting.shift()
    if (type === 'appended' && oldest?.seq === seq) oldest.written()
    else if (writing) {
      writings.delete(instance)
      writing.fail(new SojournError('JOURNAL_FENCED', `The host said ${type} to ${seq}.`))
    }
  })
  pipe.on('data', onChunk)
  pipe.on('error', () => failAll(new SojournError('HOST_STOPPED')))
  pipe.on('close', () => failAll(new SojournError('HOST_STOPPED')))

  return {
    writer(instance, fail) {
      const waiting: Waiting[] = []
      writings.set(instance, { waiting, fail })
      return {
        write(request, written) {
          waiting.push({ seq: request.seq, written })
          pipe.write(encodeJournalRequest({ ...request, instance }))
        },
        close: () => writings.delete(instance),
      }
    },
  }
}
