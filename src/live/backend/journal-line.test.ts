import { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import {
  encodeJournalReply,
  type JournalReply,
  type JournalRequest,
  type OfInstance,
  parseJournalRequest,
  splitMessages,
} from '../../base/protocol/index.ts'
import { createJournalLine } from './journal-line.ts'

const request: JournalRequest = {
  type: 'append',
  level: 'process',
  seq: 7,
  envelope: new Uint8Array([1]),
  section: new Uint8Array([2]),
}

type Asked = OfInstance<JournalRequest>

/** A pipe whose other end answers each request, or not. */
function pipeTo(answer?: (request: Asked) => OfInstance<JournalReply>) {
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

/** Writes once for instance 3; resolves with what became of it. */
function writeTo(pipe: Duplex): Promise<string> {
  return new Promise((resolve) => {
    const writer = createJournalLine(pipe).writer(3, ({ code }) => resolve(code))
    writer.write(request, () => resolve('written'))
  })
}

describe('createJournalLine()', () => {
  it('waits for the word of the host', async () => {
    const seen: Asked[] = []
    const pipe = pipeTo((asked) => {
      seen.push(asked)
      return { type: 'appended', instance: asked.instance, seq: asked.seq }
    })
    expect(await writeTo(pipe)).toBe('written')
    expect(seen).toEqual([{ ...request, instance: 3 }])
  })

  it.each<[string, JournalReply]>([
    ['fenced', { type: 'fenced', seq: 7 }],
    ['failed', { type: 'failed', seq: 7 }],
    ['about another record', { type: 'appended', seq: 8 }],
  ])('takes an answer that is %s for the end', async (_, reply) => {
    expect(await writeTo(pipeTo(() => ({ ...reply, instance: 3 })))).toBe('JOURNAL_FENCED')
  })

  it('takes the end of the pipe for the end of all who write', async () => {
    const pipe = pipeTo()
    const line = createJournalLine(pipe)
    const failed: string[] = []
    for (const instance of [1, 2]) line.writer(instance, ({ code }) => failed.push(code))
    line.writer(3, () => failed.push('ended')).close()
    pipe.destroy()
    await new Promise((resolve) => setImmediate(resolve))
    expect(failed).toEqual(['HOST_STOPPED', 'HOST_STOPPED'])
  })

  it('keeps apart what the instances of a process write', async () => {
    const asked: Asked[] = []
    const pipe = pipeTo((one) => {
      asked.push(one)
      return { type: one.instance === 1 ? 'fenced' : 'appended', instance: one.instance, seq: 7 }
    })
    const line = createJournalLine(pipe)
    const seen: string[] = []
    for (const instance of [1, 2])
      line
        .writer(instance, () => seen.push(`${instance} failed`))
        .write(request, () => seen.push(`${instance} written`))
    await new Promise((resolve) => setImmediate(resolve))
    expect(seen).toEqual(['1 failed', '2 written'])
  })
})
