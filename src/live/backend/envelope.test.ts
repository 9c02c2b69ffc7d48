import { describe, expect, it } from 'vitest'
import { pack } from '../../base/protocol/index.ts'
import { packRecord, packSnapshot, unpackRecord, unpackSnapshot } from './envelope.ts'

const alarms = [['remind:1', 2 ** 41, 0, new Uint8Array([0])], ['gone']]
const result = ['s/c', 5, [{ n: 1 }]]

describe('an envelope', () => {
  it.each([{}, { result }, { alarms }, { result, alarms }])('keeps what a turn did: %j', (turn) => {
    expect(unpackRecord(packRecord(turn))).toEqual(turn)
  })

  it('has no bytes when there is nothing to keep', () => {
    expect(packRecord({}).byteLength).toBe(0)
  })

  it('keeps what a snapshot holds', () => {
    const all = { results: [0, []], head: { epoch: 2, nonce: 'n', seq: 7 }, alarms }
    expect(unpackSnapshot(packSnapshot(all))).toEqual(all)
  })

  it.each([
    ['of another version', pack([2, null, null])],
    ['without a version', pack([null])],
    ['that is no list', pack({ 0: 1 })],
    ['that is cut off', packRecord({ result }).slice(0, 5)],
  ])('%s is damage', (_, bytes) => {
    for (const read of [unpackRecord, unpackSnapshot])
      expect(() => read(bytes)).toThrow(expect.objectContaining({ code: 'JOURNAL_DAMAGED' }))
  })
})
