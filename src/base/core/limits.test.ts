import { describe, expect, it } from 'vitest'
import { limits } from './limits.ts'

describe('limits', () => {
  it.each([
    ['a presence value fits into a message', limits.presenceBytesMax < limits.messageBytesMax],
    ['an input fits into a message', limits.inputBytesMax < limits.messageBytesMax],
    ['a result fits into a record', limits.resultBytesMax < limits.recordBytesMax],
    [
      'a frame and a result fit into a record',
      limits.frameBytesMax + 2 * limits.resultBytesMax < limits.recordBytesMax,
    ],
    [
      'a frame, a result and all alarms of a key fit into a record',
      limits.frameBytesMax +
        2 * limits.resultBytesMax +
        limits.alarmsMax * (limits.alarmPayloadBytesMax + limits.alarmNameBytesMax + 32) <
        limits.recordBytesMax,
    ],
    ['an ended session leaves no open socket after one second', limits.closeMs < 1_000],
    ['a request outwaits the start of its instance', limits.startMs < limits.heldMs],
    [
      'no key takes all places of held requests',
      limits.requestsHeldPerInstanceMax < limits.requestsHeldMax,
    ],
    ['held requests fit through the door', limits.requestsHeldMax < limits.connectionsMax],
    [
      'no session takes all places of an instance',
      limits.connectionsPerSessionMax < limits.connectionsPerInstanceMax,
    ],
    ['a ticket of any length of life is one of the allowed', limits.ticketMs <= limits.ticketMsMax],
    ['every instance is ended before the host is', limits.stopMs < limits.drainMs],
    ['an instance is ended before the answer is due', limits.stopMs < limits.hostAnswerMs],
    [
      'the log of a process has room for its longest line',
      limits.outputLineCharsMax < limits.outputCharsKept,
    ],
    ['one slow turn at the start is no failed start', limits.turnMs < limits.startMs],
    ['one message never makes a client slow', limits.messageBytesMax < limits.unsentBytesMax],
    [
      'a snapshot is due before a record is refused',
      limits.recordBytesPerSnapshot < limits.recordBytesMax,
    ],
    ['a batch is no longer than one record may be', limits.batchBytesMax < limits.recordBytesMax],
    [
      'all clients of an instance fit through the door',
      limits.connectionsPerInstanceMax <= limits.connectionsMax,
    ],
  ])('hold together: %s', (_, holds) => {
    expect(holds).toBe(true)
  })
})
