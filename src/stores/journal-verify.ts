/** What must hold of a journal before an instance may start from it. */
import { SojournError } from '../base/core/index.ts'
import type { Claim, Recovered } from '../base/protocol/index.ts'
import {
  type CheckedRecord,
  type CheckedSnapshot,
  recordLink,
  rootLink,
  snapshotCheck,
} from './chain.ts'

/** All that is stored of one key. */
export interface StoredJournal {
  /** The newest claim, the last record that was written, its check, and that of the snapshot. */
  readonly owner: Pick<Claim, 'epoch' | 'nonce'> & {
    readonly head: number
    readonly link: number
    readonly kept: number | null
  }
  readonly snapshot: (CheckedSnapshot & { readonly check: number }) | undefined
  /** In the order of their numbers. */
  readonly records: readonly (CheckedRecord & { readonly link: number })[]
}

/**
 * Gives what an instance recovers from, after everything was checked.
 *
 * @throws SojournError `JOURNAL_DAMAGED`, `JOURNAL_FENCED`
 */
export function verify(claim: Claim, stored: StoredJournal): Recovered {
  const { owner, snapshot, records } = stored
  if (owner.epoch > claim.epoch) throw new SojournError('JOURNAL_FENCED')
  if (owner.epoch < claim.epoch || owner.nonce !== claim.nonce)
    throw damage(claim, owner.head, 'the newest claim is gone')
  verifySnapshot(claim, stored)
  verifyRecords(claim, stored)
  return {
    records: records.map(({ seq, epoch, nonce, envelope, section }) => ({
      ...{ seq, epoch, nonce, envelope },
      ...(section.byteLength > 0 && { section }),
    })),
    ...(snapshot && {
      snapshot: { seq: snapshot.seq, envelope: snapshot.envelope, section: snapshot.section },
    }),
  }
}

/** Says what is wrong, and where. */
export function damage(
  { backend, key }: Claim,
  seq: number,
  what: string,
  cause?: unknown,
): SojournError {
  return new SojournError('JOURNAL_DAMAGED', `${backend}/${key} at seq ${seq}: ${what}.`, { cause })
}

function verifySnapshot(claim: Claim, { owner, snapshot }: StoredJournal): void {
  if ((snapshot?.check ?? null) !== owner.kept)
    throw damage(claim, snapshot?.seq ?? 0, 'the snapshot is not the newest')
  if (snapshot && snapshotCheck(rootLink(claim), snapshot) !== snapshot.check)
    throw damage(claim, snapshot.seq, 'the snapshot is not what was written')
}

function verifyRecords(claim: Claim, { owner, snapshot, records }: StoredJournal): void {
  let seq = snapshot?.floor ?? 0
  let link = snapshot?.floorLink ?? rootLink(claim)
  let epoch = 0
  const expectSnapshot = (): void => {
    if (seq === snapshot?.seq && link !== snapshot.link)
      throw damage(claim, seq, 'the snapshot is of another history')
  }
  expectSnapshot()
  for (const record of records) {
    if (record.seq !== seq + 1) throw damage(claim, seq + 1, `found record ${record.seq} there`)
    if (record.epoch < epoch || record.epoch > claim.epoch)
      throw damage(claim, record.seq, `epoch ${record.epoch} is out of order`)
    if (recordLink(link, record) !== record.link)
      throw damage(claim, record.seq, 'the record is not what was written')
    ;({ seq, link, epoch } = record)
    expectSnapshot()
  }
  if (seq !== owner.head) throw damage(claim, seq, `the head is ${owner.head}`)
  if (link !== owner.link) throw damage(claim, seq, 'the head is of another history')
  if (snapshot && snapshot.seq > seq) throw damage(claim, snapshot.seq, `the head is ${seq}`)
}
