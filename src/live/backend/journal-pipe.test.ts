import { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import {
  encodeJournalReply,
  type JournalReply,
  type JournalRequest,
  parseJournalRequest,
  splitMessages,
} from '../../base/protocol/index.ts'
import { createJournalPipe } from './journal-pipe.ts'

const request: JournalRequest = {
  type: 'append',
  seq: 7,
  envelope: new Uint8Array([1]),
  section: new Uint8Array([2]),
}

/** A pipe whose other end answers each request, or not. */
function pipeTo(answer?: (request: JournalRequest) => JournalReply) {
  const take = splitMessages((bytes) => {
    const reply = answer?.(parseJournalRequest(bytes))
    if (reply) pipe.push(encodeJournalReply(reply))
  })
  const pipe = new Duplex({
    read: () => {},
    write: (chunk: Uint8Array, _encoding, done) => {
      take(chunk)
      done()
    },
  })
  return pipe
}

describe('createJournalPipe()', () => {
  it('waits for the word of the host', async () => {
    const seen: JournalRequest[] = []
    const pipe = pipeTo((asked) => {
      seen.push(asked)
      return { type: 'appended', seq: asked.seq }
    })
    await createJournalPipe(pipe).write(request)
    expect(seen).toEqual([request])
  })

  it.each<[string, JournalReply]>([
    ['fenced', { type: 'fenced', seq: 7 }],
    ['failed', { type: 'failed', seq: 7 }],
    ['about another record', { type: 'appended', seq: 8 }],
  ])('takes an answer that is %s for the end', async (_, reply) => {
    const { write } = createJournalPipe(pipeTo(() => reply))
    await expect(write(request)).rejects.toMatchObject({ code: 'JOURNAL_FENCED' })
  })

  it('takes the end of the pipe for the end, before a write and during one', async () => {
    const pipe = pipeTo()
    const { write } = createJournalPipe(pipe)
    const asked = write(request)
    pipe.destroy()
    await expect(asked).rejects.toMatchObject({ code: 'HOST_STOPPED' })
    await expect(write(request)).rejects.toMatchObject({ code: 'HOST_STOPPED' })
  })
})
