/** A journal and its directory in memory, kept and checked by the rules of the real ones. */
import { SojournError } from '../../src/base/core/index.ts'
import type { Claim, InstanceName, StoredRecord } from '../../src/base/protocol/index.ts'
import type { JournalEntry, JournalWrite } from '../../src/live/host/journal.ts'
import type { JournalUnderTest } from '../../src/testing/index.ts'

interface Owner {
  readonly claim: Claim
  readonly head: number
  readonly records: readonly StoredRecord[]
  readonly snapshot?: JournalEntry
  /** Records up to here are gone. */
  readonly floor: number
}

export function openOwnedJournal(): JournalUnderTest {
  const owners = new Map<string, Owner>()
  let isClosed = false
  const idOf = ({ backend, key }: InstanceName): string => `${backend}/${key}`
  const assertOpen = (): void => {
    if (isClosed) throw new SojournError('STORE_UNAVAILABLE')
  }
  const ownedBy = (claim: Claim): Owner | undefined => {
    const owner = owners.get(idOf(claim))
    const { epoch, nonce } = owner?.claim ?? {}
    return epoch === claim.epoch && nonce === claim.nonce ? owner : undefined
  }
  return {
    directory: {
      claim(name) {
        assertOpen()
        const before = owners.get(idOf(name)) ?? { head: 0, records: [], floor: 0 }
        const epoch = ('claim' in before ? before.claim.epoch : 0) + 1
        const claim = { ...name, epoch, nonce: crypto.randomUUID() }
        owners.set(idOf(name), { ...before, claim })
        return claim
      },
      close: () => {},
    },
    journal: {
      recover(claim) {
        assertOpen()
        const newest = owners.get(idOf(claim))
        const owner = ownedBy(claim)
        if (owner) {
          const { records, snapshot } = owner
          return { records, ...(snapshot && { snapshot }) }
        }
        const isOld = newest && newest.claim.epoch > claim.epoch
        throw new SojournError(isOld ? 'JOURNAL_FENCED' : 'JOURNAL_DAMAGED')
      },
      write(batch) {
        assertOpen()
        return batch.map((write) => {
          const owner = ownedBy(write.claim)
          const next = owner && after(owner, write)
          if (next) owners.set(idOf(write.claim), next)
          return next !== undefined
        })
      },
      sync: async () => assertOpen(),
      // The suite has no word on alarms yet.
      due: () => [],
      nextWakeMs: () => undefined,
    },
    close() {
      isClosed = true
    },
  }
}

function after(owner: Owner, { claim, type, entry }: JournalWrite): Owner | undefined {
  const { seq, envelope, section } = entry
  if (type === 'append') {
    if (seq !== owner.head + 1) return undefined
    const { epoch, nonce } = claim
    const record = { seq, epoch, nonce, envelope, ...(section.byteLength > 0 && { section }) }
    return { ...owner, head: seq, records: [...owner.records, record] }
  }
  const before = owner.snapshot?.seq ?? 0
  if (seq > owner.head || seq < before) return undefined
  const floor = seq === before ? owner.floor : before
  const records = owner.records.filter((record) => record.seq > floor)
  return { ...owner, snapshot: entry, floor, records }
}
