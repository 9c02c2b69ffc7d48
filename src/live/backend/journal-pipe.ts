/** The instance's end of the journal pipe: asks the host to append and waits for its word. */
import type { Duplex } from 'node:stream'
import { SojournError } from '../../base/core/index.ts'
import {
  encodeJournalRequest,
  type JournalRequest,
  parseJournalReply,
  splitMessages,
} from '../../base/protocol/index.ts'

/** Makes turns durable. A rejection is final: the instance must end without releasing anything. */
export interface JournalWriter {
  /** Resolves when the request is durable; one request at a time. */
  write(request: JournalRequest): Promise<void>
}

export function createJournalPipe(pipe: Duplex): JournalWriter {
  let waiting: { seq: number; resolve: () => void; reject: (error: Error) => void } | undefined

  function settle(error?: Error): void {
    const { resolve, reject } = waiting ?? {}
    waiting = undefined
    if (error) reject?.(error)
    else resolve?.()
  }

  const onChunk = splitMessages((bytes) => {
    const reply = parseJournalReply(bytes)
    if (reply.type === 'appended' && reply.seq === waiting?.seq) settle()
    else
      settle(new SojournError('JOURNAL_FENCED', `The host said ${reply.type} to ${waiting?.seq}.`))
  })
  pipe.on('data', onChunk)
  pipe.on('error', () => settle(new SojournError('HOST_STOPPED')))
  pipe.on('close', () => settle(new SojournError('HOST_STOPPED')))

  return {
    write: (request) =>
      new Promise((resolve, reject) => {
        waiting = { seq: request.seq, resolve, reject }
        pipe.write(encodeJournalRequest(request), (error) => {
          if (error) settle(new SojournError('HOST_STOPPED', undefined, { cause: error }))
        })
      }),
  }
}
