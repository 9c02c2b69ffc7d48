/** What every journal must do, as a suite that runs in any test runner. */
import assert from 'node:assert/strict'
import type { Awaitable } from '../base/core/index.ts'
import {
  append,
  boardX,
  entryOf,
  hasCode,
  type JournalTest,
  type JournalUnderTest,
  plainRecovered,
  seqsOf,
  snapshot,
} from './journal-fixtures.ts'
import { drawnHistory } from './journal-history.ts'
import type { SuiteTools } from './session-store.ts'

/** Histories that are drawn and compared with a model, and the steps of each. */
const histories = 60
const steps = 40

/**
 * Describes the contract of `Journal` for one driver.
 *
 * @param name of the driver
 * @param open opens an empty journal with its directory
 */
export function describeJournal(
  name: string,
  open: () => Awaitable<JournalUnderTest>,
  { describe, it }: SuiteTools,
): void {
  const run = (tests: Readonly<Record<string, JournalTest>>): void => {
    for (const [title, test] of Object.entries(tests))
      it(title, async () => {
        const opened = await open()
        try {
          await test(opened)
        } finally {
          await opened.close()
        }
      })
  }
  describe(`journal: ${name}`, () => {
    describe('records', () => run(records))
    describe('the fence', () => run(fence))
    describe('snapshots', () => run(snapshots))
    describe('faults', () => run(faults))
    it(`does what the model does in ${histories} drawn histories`, async () => {
      for (let seed = 1; seed <= histories; seed += 1) await drawnHistory(open, seed, steps)
    })
  })
}

const records: Readonly<Record<string, JournalTest>> = {
  'gives back what was appended, with the claim that appended it': async (opened) => {
    const { directory, journal } = opened
    const claim = await directory.claim(boardX)
    const silent = { seq: 2, envelope: Uint8Array.of(7), section: new Uint8Array(0) }
    const batch = [append(claim, 1), { claim, type: 'append', entry: silent }] as const
    assert.deepEqual(await journal.write(batch), [true, true])
    const { epoch, nonce } = claim
    assert.deepEqual(plainRecovered(await journal.recover(claim)), {
      records: [
        { epoch, nonce, ...entryOf(1) },
        { epoch, nonce, seq: 2, envelope: Uint8Array.of(7) },
      ],
    })
  },
  'recovers the same however often it is asked': async ({ directory, journal }) => {
    const claim = await directory.claim(boardX)
    await journal.write([append(claim, 1), snapshot(claim, 1), append(claim, 2)])
    const first = plainRecovered(await journal.recover(claim))
    assert.deepEqual(plainRecovered(await journal.recover(claim)), first)
    assert.deepEqual(await journal.write([append(claim, 3)]), [true])
  },
  'keeps large records byte for byte, beside empty ones': async ({ directory, journal }) => {
    const claim = await directory.claim(boardX)
    const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => (at * 31) & 255)
    const none = new Uint8Array(0)
    const entries = [
      { seq: 1, envelope: bytes, section: none },
      { seq: 2, envelope: none, section: bytes },
      { seq: 3, envelope: none, section: none },
    ]
    await journal.write(entries.map((entry) => ({ claim, type: 'append', entry })))
    assert.deepEqual(
      (plainRecovered(await journal.recover(claim)) as { records: object[] }).records,
      entries.map(({ section, ...entry }) => ({
        ...{ ...entry, epoch: claim.epoch, nonce: claim.nonce },
        ...(section.byteLength > 0 && { section }),
      })),
    )
  },
  'keeps keys and backends apart': async ({ directory, journal }) => {
    const names = [boardX, { ...boardX, key: 'y' }, { ...boardX, backend: 'game' }]
    const claims = await Promise.all(names.map((of) => directory.claim(of)))
    await journal.write(claims.map((claim, index) => append(claim, 1, index)))
    for (const [index, claim] of claims.entries()) {
      const [record] = (await journal.recover(claim)).records
      assert.deepEqual([record?.seq, record?.envelope[1]], [1, index])
    }
  },
  'writes nothing of an empty batch': async ({ journal }) => {
    assert.deepEqual(await journal.write([]), [])
    await journal.sync()
  },
}

const fence: Readonly<Record<string, JournalTest>> = {
  'refuses a superseded claim, a gap, a repetition and a forgery': async (opened) => {
    const { directory, journal } = opened
    const first = await directory.claim(boardX)
    await journal.write([append(first, 1)])
    const second = await directory.claim(boardX)
    const refused = [
      append(first, 2),
      append(second, 3),
      append(second, 1),
      append(second, 0),
      append({ ...second, nonce: 'forged' }, 2),
      append({ ...second, epoch: second.epoch + 1 }, 2),
      append({ ...second, epoch: first.epoch }, 2),
      append({ ...second, key: 'y' }, 1),
      snapshot(first, 1),
      snapshot(second, 2),
      snapshot({ ...second, nonce: 'forged' }, 1),
    ]
    assert.deepEqual(
      await journal.write(refused),
      refused.map(() => false),
    )
    assert.deepEqual(seqsOf(await journal.recover(second)), [1])
    assert.deepEqual(await journal.write([append(second, 2)]), [true])
  },
  'refuses one write of a batch without harm to the others': async ({ directory, journal }) => {
    const old = await directory.claim(boardX)
    const x = await directory.claim(boardX)
    const y = await directory.claim({ ...boardX, key: 'y' })
    const batch = [append(x, 1), append(old, 2), append(y, 2), append(y, 1), append(x, 2)]
    assert.deepEqual(await journal.write(batch), [true, false, false, true, true])
    assert.deepEqual(seqsOf(await journal.recover(x)), [1, 2])
    assert.deepEqual(seqsOf(await journal.recover(y)), [1])
  },
  'shows nothing to a superseded claim, or to one that never was': async (opened) => {
    const { directory, journal } = opened
    const first = await directory.claim(boardX)
    const second = await directory.claim(boardX)
    await assert.rejects(async () => journal.recover(first), hasCode('JOURNAL_FENCED'))
    const never = { ...second, epoch: second.epoch + 1 }
    await assert.rejects(async () => journal.recover(never), hasCode('JOURNAL_DAMAGED'))
    const unknown = { ...second, key: 'unknown' }
    await assert.rejects(async () => journal.recover(unknown), hasCode('JOURNAL_DAMAGED'))
  },
}

const snapshots: Readonly<Record<string, JournalTest>> = {
  'keep the records since the snapshot before, for resumes': async ({ directory, journal }) => {
    const claim = await directory.claim(boardX)
    await journal.write([snapshot(claim, 0), append(claim, 1), append(claim, 2), append(claim, 3)])
    await journal.write([snapshot(claim, 3)])
    assert.deepEqual(seqsOf(await journal.recover(claim)), [1, 2, 3])
    await journal.write([append(claim, 4), snapshot(claim, 4)])
    const recovered = await journal.recover(claim)
    assert.deepEqual(seqsOf(recovered), [4])
    assert.equal(recovered.snapshot?.seq, 4)
    assert.deepEqual(Uint8Array.from(recovered.snapshot?.section ?? []), entryOf(4).section)
  },
  'may lie behind the head, never before the one that is kept': async (opened) => {
    const { directory, journal } = opened
    const claim = await directory.claim(boardX)
    await journal.write([1, 2, 3, 4].map((seq) => append(claim, seq)))
    assert.deepEqual(await journal.write([snapshot(claim, 2), snapshot(claim, 1)]), [true, false])
    const recovered = await journal.recover(claim)
    assert.deepEqual([recovered.snapshot?.seq, seqsOf(recovered)], [2, [1, 2, 3, 4]])
  },
  'may be taken again where nothing happened since, and keep the records': async (opened) => {
    const { directory, journal } = opened
    const claim = await directory.claim(boardX)
    await journal.write([append(claim, 1), append(claim, 2), snapshot(claim, 2)])
    assert.deepEqual(await journal.write([snapshot(claim, 2, 9)]), [true])
    const { snapshot: kept, records } = await journal.recover(claim)
    assert.deepEqual([kept?.section[1], records.length], [9, 2])
  },
  'of an owner stay with the next one': async ({ directory, journal }) => {
    const first = await directory.claim(boardX)
    await journal.write([append(first, 1), snapshot(first, 1), append(first, 2)])
    const second = await directory.claim(boardX)
    await journal.write([append(second, 3), snapshot(second, 3)])
    const { records } = await journal.recover(second)
    assert.deepEqual(
      records.map(({ seq, epoch, nonce }) => [seq, epoch, nonce]),
      [
        [2, first.epoch, first.nonce],
        [3, second.epoch, second.nonce],
      ],
    )
  },
}

const faults: Readonly<Record<string, JournalTest>> = {
  'syncs as often as it is asked, also at once': async ({ directory, journal }) => {
    const claim = await directory.claim(boardX)
    await journal.write([append(claim, 1)])
    await Promise.all([journal.sync(), journal.sync(), journal.sync()])
    await journal.sync()
  },
  'says STORE_UNAVAILABLE once it is closed': async ({ directory, journal, close }) => {
    const claim = await directory.claim(boardX)
    await close()
    const isUnavailable = hasCode('STORE_UNAVAILABLE')
    await assert.rejects(async () => journal.write([append(claim, 1)]), isUnavailable)
    await assert.rejects(async () => journal.recover(claim), isUnavailable)
    await assert.rejects(async () => journal.sync(), isUnavailable)
    await assert.rejects(async () => directory.claim(boardX), isUnavailable)
  },
}
