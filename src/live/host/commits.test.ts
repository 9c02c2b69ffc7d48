import fc from 'fast-check'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { limits, SojournError } from '../../base/core/index.ts'
import type { Claim, Durability } from '../../base/protocol/index.ts'
import { Commits } from './commits.ts'
import type { JournalWrite } from './journal.ts'

const claim: Claim = { backend: 'board', key: 'x', epoch: 1, nonce: 'n' }
const entry = (seq: number, bytes = 2) => ({
  seq,
  envelope: new Uint8Array(bytes),
  section: new Uint8Array(0),
})
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A journal whose writes and syncs end when the test says so. */
class SlowJournal {
  readonly batches: (readonly JournalWrite[])[] = []
  readonly syncs: PromiseWithResolvers<void>[] = []
  answer: (batch: readonly JournalWrite[]) => readonly boolean[] | Promise<readonly boolean[]> = (
    batch,
  ) => batch.map(() => true)
  recover = () => ({ records: [] })
  due = () => []
  nextWakeMs = () => undefined
  write(batch: readonly JournalWrite[]) {
    this.batches.push(batch)
    return this.answer(batch)
  }
  sync() {
    const sync = Promise.withResolvers<void>()
    this.syncs.push(sync)
    return sync.promise
  }
}

let journal: SlowJournal
let commits: Commits
let due: (() => void)[]
const onBroken = vi.fn<(error: SojournError) => void>()

beforeEach(() => {
  journal = new SlowJournal()
  due = []
  onBroken.mockReset()
  commits = new Commits({ journal, defer: (run) => due.push(run), onBroken })
})

/** Lets one turn of the event loop pass. */
async function turn(): Promise<void> {
  for (const run of due.splice(0)) run()
  await settle()
}

/** Adds an entry and remembers what it was answered. */
function add(seq: number, level: Durability = 'process', bytes = 2) {
  const seen: { answer?: boolean | string } = {}
  commits.add(claim, 'append', entry(seq, bytes), level).then(
    (written) => {
      seen.answer = written
    },
    (error: SojournError) => {
      seen.answer = error.code
    },
  )
  return seen
}
const answers = (all: { answer?: boolean | string }[]) => all.map(({ answer }) => answer)
const seqs = () => journal.batches.map((batch) => batch.map((write) => write.entry.seq))

describe('commits', () => {
  it('write what came in one turn as one batch, in order', async () => {
    const all = [add(1), add(2, 'disk'), add(3)]
    expect(journal.batches).toEqual([])
    await turn()
    expect(seqs()).toEqual([[1, 2, 3]])
    expect(answers(all)).toEqual([true, undefined, true])
    const late = add(4)
    await turn()
    expect(seqs()).toEqual([[1, 2, 3], [4]])
    expect(late.answer).toBe(true)
  })

  it('answer each entry as the journal did', async () => {
    journal.answer = (batch) => batch.map((write) => write.entry.seq !== 2)
    const all = [add(1), add(2), add(3), add(2, 'disk')]
    await turn()
    expect(answers(all)).toEqual([true, false, true, false])
    expect(journal.syncs).toHaveLength(0)
  })

  it('answer what is for the disk after a sync that began behind its batch', async () => {
    const first = add(1, 'disk')
    await turn()
    const second = add(2, 'disk')
    const other = add(3)
    await turn()
    expect(answers([first, second, other])).toEqual([undefined, undefined, true])
    journal.syncs[0]?.resolve()
    await settle()
    expect(answers([first, second])).toEqual([true, undefined])
    journal.syncs[1]?.resolve()
    await settle()
    expect(second.answer).toBe(true)
  })

  it('write one batch at a time, and what came meanwhile as the next', async () => {
    const held = Promise.withResolvers<readonly boolean[]>()
    journal.answer = () => held.promise
    const all = [add(1)]
    await turn()
    all.push(add(2), add(3))
    await turn()
    expect(seqs()).toEqual([[1]])
    journal.answer = (batch) => batch.map(() => true)
    held.resolve([true])
    await settle()
    await turn()
    expect(seqs()).toEqual([[1], [2, 3]])
    expect(answers(all)).toEqual([true, true, true])
  })

  it('cut a batch at its limits, and let others have a turn between', async () => {
    const many = Array.from({ length: limits.batchEntriesMax + 1 }, (_, at) => add(at + 1))
    await turn()
    expect(journal.batches.map((batch) => batch.length)).toEqual([limits.batchEntriesMax])
    await turn()
    expect(answers(many).every(Boolean)).toBe(true)
    add(1, 'process', limits.batchBytesMax / 2)
    add(2, 'process', limits.batchBytesMax / 2)
    add(3, 'process', 1)
    add(4, 'process', limits.batchBytesMax + 1)
    add(5)
    for (let turns = 0; turns < 4; turns += 1) await turn()
    expect(seqs().slice(2)).toEqual([[1, 2], [3], [4], [5]])
  })

  it('reject everything after a write that failed, and say so once', async () => {
    journal.answer = () => {
      throw new SojournError('STORE_UNAVAILABLE')
    }
    const many = Array.from({ length: limits.batchEntriesMax + 1 }, (_, at) => add(at + 1))
    await turn()
    const late = add(1)
    await turn()
    expect(new Set(answers([...many, late]))).toEqual(new Set(['STORE_UNAVAILABLE']))
    expect(journal.batches).toHaveLength(1)
    expect(onBroken).toHaveBeenCalledOnce()
  })

  it('answer nothing with a yes after a sync that failed', async () => {
    const all = [add(1, 'disk')]
    await turn()
    all.push(add(2, 'disk'))
    await turn()
    const held = Promise.withResolvers<readonly boolean[]>()
    journal.answer = () => held.promise
    all.push(add(3))
    await turn()
    all.push(add(4))
    journal.syncs[0]?.reject(new Error('EIO'))
    await settle()
    held.resolve([true])
    journal.syncs[1]?.resolve()
    await settle()
    await turn()
    expect(answers(all)).toEqual(Array.from({ length: 4 }, () => 'STORE_UNAVAILABLE'))
    expect(onBroken).toHaveBeenCalledOnce()
    expect(onBroken.mock.calls[0]?.[0]).toMatchObject({ cause: { message: 'EIO' } })
  })

  it('answer every entry once, whatever comes in which order', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), disk: fc.boolean(), bytes: fc.nat(3_000_000) }),
      fc.record({ do: fc.constantFrom('turn' as const, 'sync' as const, 'break' as const) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (script) => {
        journal = new SlowJournal()
        due = []
        onBroken.mockReset()
        commits = new Commits({ journal, defer: (run) => due.push(run), onBroken })
        const all: { answer?: boolean | string; disk: boolean }[] = []
        for (const move of script) {
          if (move.do === 'add') {
            const seen = add(all.length + 1, move.disk ? 'disk' : 'process', move.bytes)
            all.push(Object.assign(seen, { disk: move.disk }))
          } else if (move.do === 'turn') await turn()
          else if (move.do === 'sync') journal.syncs.shift()?.resolve()
          else journal.syncs.shift()?.reject(new Error('EIO'))
        }
        while (due.length > 0) await turn()
        for (const sync of journal.syncs) sync.resolve()
        await settle()
        const isBroken = onBroken.mock.calls.length > 0
        expect(onBroken.mock.calls.length).toBeLessThanOrEqual(1)
        for (const { answer } of all) expect([true, 'STORE_UNAVAILABLE']).toContain(answer)
        if (!isBroken) expect(seqs().flat()).toEqual(all.map((_, at) => at + 1))
      }),
      { numRuns: 100 },
    )
  })
})
