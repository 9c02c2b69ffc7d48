import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSojournError } from '../core/index.ts'
import {
  encodeFromClient,
  encodeFromInstance,
  encodeJournalReply,
  encodeJournalRequest,
  type FromClient,
  type FromInstance,
  parseFromClient,
  parseFromInstance,
  parseJournalReply,
  parseJournalRequest,
  splitMessages,
} from './index.ts'

const fromClient: FromClient[] = [
  { type: 'hello', version: 1, acked: 0 },
  {
    type: 'hello',
    version: 1,
    client: 'k.abc',
    acked: 7,
    cursor: { epoch: 3, nonce: 'n', seq: 12 },
  },
  { type: 'action', n: 1, acked: 0, name: 'draw', input: { points: [1, 2.5], at: new Date(5) } },
  { type: 'presence', value: null },
  { type: 'input', value: [12, 3] },
  { type: 'ping', sentMs: 1234.5 },
]

const fromInstance: FromInstance[] = [
  {
    type: 'welcome',
    version: 1,
    connection: 'c_1',
    client: 'k.abc',
    epoch: 2,
    nonce: 'n',
    head: { epoch: 1, nonce: 'm', seq: 9 },
    resumed: true,
    presence: [{ connection: 'c_2', identity: { name: 'Ada' }, value: { x: 1 } }],
  },
  { type: 'state', results: [], bytes: new Uint8Array([1, 2, 3]) },
  { type: 'state', results: [{ n: 4, ok: true, value: 'x' }], bytes: new Uint8Array([9]) },
  { type: 'results', results: [{ n: 5, ok: false, code: 'FORBIDDEN', message: 'no' }] },
  { type: 'event', name: 'ring', payload: [1] },
  { type: 'presence', entry: { connection: 'c_3', identity: null, value: 4 } },
  { type: 'left', connection: 'c_3' },
  { type: 'pong', sentMs: 1234.5, serverMs: 1.7e12 },
]

describe('messages of clients and instances', () => {
  it.each(fromClient)('come back as they were: $type', (said) => {
    expect(parseFromClient(encodeFromClient(said))).toEqual(said)
  })
  it.each(fromInstance)('come back as they were: $type', (said) => {
    expect(parseFromInstance(encodeFromInstance(said))).toEqual(said)
  })

  it.each([
    ['nothing', []],
    ['an unknown type', [99]],
    ['no body', [2]],
    ['a ping without a time', [4]],
    ['a ping with more than a time', [4, ...new Uint8Array(9)]],
    [
      'action number 0',
      encodeFromClient({ type: 'action', n: 0, acked: 0, name: 'a', input: null }),
    ],
    [
      'acked ahead of n',
      encodeFromClient({ type: 'action', n: 1, acked: 1, name: 'a', input: null }),
    ],
    [
      'a long name',
      encodeFromClient({ type: 'action', n: 1, acked: 0, name: 'a'.repeat(65), input: null }),
    ],
  ])('are refused: %s', (_, bytes) => {
    expect(() => parseFromClient(Uint8Array.from(bytes))).toThrow(
      expect.objectContaining({ code: 'MESSAGE_MALFORMED' }),
    )
  })

  it('refuse garbage with a code, whatever it is', () => {
    const mutated = fc
      .tuple(
        fc.constantFrom(
          ...fromClient.map(encodeFromClient),
          ...fromInstance.map(encodeFromInstance),
        ),
        fc.nat(),
        fc.nat(255),
      )
      .map(([bytes, at, value]) =>
        bytes.slice().fill(value, at % bytes.length, (at % bytes.length) + 1),
      )
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated), (bytes) => {
        for (const parse of [parseFromClient, parseFromInstance]) {
          try {
            parse(bytes)
          } catch (error) {
            if (!isSojournError(error)) throw error
          }
        }
      }),
      { numRuns: 3_000 },
    )
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('the journal pipe', () => {
  const request = {
    type: 'append',
    instance: 7,
    level: 'disk',
    seq: 2 ** 40 + 5,
    envelope: new Uint8Array([1]),
    section: new Uint8Array([2, 3]),
  } as const

  it('cuts any chunking back into the same messages', () => {
    const messages = [
      encodeJournalRequest(request),
      encodeJournalRequest({ ...request, type: 'snapshot', seq: 1, section: new Uint8Array(0) }),
      encodeJournalRequest({ ...request, wakeAtMs: 0 }),
      encodeJournalRequest({ ...request, wakeAtMs: 2 ** 41 + 1 }),
    ]
    const stream = Buffer.concat(messages)
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 6 }), (cuts) => {
        const seen: unknown[] = []
        const take = splitMessages((bytes) => seen.push(parseJournalRequest(bytes)))
        const edges = [0, ...cuts.sort((a, b) => a - b), stream.length]
        for (const [index, edge] of edges.slice(1).entries())
          take(stream.subarray(edges[index], edge))
        expect(seen).toEqual([
          request,
          { ...request, type: 'snapshot', seq: 1, section: new Uint8Array(0) },
          { ...request, wakeAtMs: 0 },
          { ...request, wakeAtMs: 2 ** 41 + 1 },
        ])
      }),
    )
  })

  it('carries replies', () => {
    const seen: unknown[] = []
    splitMessages((bytes) => seen.push(parseJournalReply(bytes)))(
      encodeJournalReply({ type: 'fenced', instance: 2 ** 31, seq: 3 }),
    )
    expect(seen).toEqual([{ type: 'fenced', instance: 2 ** 31, seq: 3 }])
  })

  it('refuses a length above the limit before allocating it', () => {
    expect(() => splitMessages(() => {})(new Uint8Array([255, 255, 255, 255, 0]))).toThrow(
      expect.objectContaining({ code: 'MESSAGE_TOO_LARGE' }),
    )
  })
})
