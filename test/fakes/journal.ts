/** A journal in memory that fences as the real one does, and fails when it is told to. */
import { SojournError, toSojournError } from '../../src/base/core/index.ts'
import type {
  JournalRequest,
  Recovered,
  StoredRecord,
  StoredSnapshot,
} from '../../src/base/protocol/index.ts'
import type { JournalWriter } from '../../src/live/backend/journal-line.ts'

/** What becomes of the next write. */
export type Fate =
  | 'written'
  /** Written, but the word of it never arrives. */
  | 'unanswered'
  /** Neither written nor answered. */
  | 'lost'
  | 'refused'

export class MemoryJournal {
  epoch = 0
  head = 0
  snapshot: StoredSnapshot | undefined
  records: StoredRecord[] = []
  /** As last written; 0 for none. */
  wakeAtMs = 0
  /** Every request that was written, in order. */
  readonly written: JournalRequest[] = []
  /** Decides about each write; awaited, so that a test can hold the gate shut. */
  fate: (request: JournalRequest) => Fate | Promise<Fate> = () => 'written'

  /** Takes the key over: writers of earlier claims are fenced off. */
  claim(fail: (error: SojournError) => void): {
    epoch: number
    nonce: string
    journal: JournalWriter
    recovered: Recovered
  } {
    this.epoch += 1
    const epoch = this.epoch
    const { snapshot, records } = this
    const recovered = { records: [...records], ...(snapshot && { snapshot }) }
    return { epoch, nonce: `nonce ${epoch}`, journal: this.#writer(epoch, fail), recovered }
  }

  #writer(epoch: number, fail: (error: SojournError) => void): JournalWriter {
    let last: Promise<unknown> = Promise.resolve()
    let hasFailed = false
    const write = async (request: JournalRequest, written: () => void): Promise<void> => {
      if (hasFailed) return
      try {
        if (await this.#write(epoch, request)) written()
        else hasFailed = true
      } catch (error) {
        hasFailed = true
        fail(toSojournError(error))
      }
    }
    return {
      write: (request, written) => {
        last = last.then(() => write(request, written))
      },
      close: () => {},
    }
  }

  /** Whether the word of it arrives. */
  async #write(epoch: number, request: JournalRequest): Promise<boolean> {
    const fate = await this.fate(request)
    const fits =
      request.type === 'append' ? request.seq === this.head + 1 : request.seq <= this.head
    if (fate === 'refused' || epoch !== this.epoch || !fits)
      throw new SojournError('JOURNAL_FENCED')
    if (fate !== 'lost') this.#keep(request)
    return fate === 'written'
  }

  #keep(request: JournalRequest): void {
    const { type, seq, envelope, section, wakeAtMs } = request
    this.written.push(request)
    this.wakeAtMs = wakeAtMs ?? this.wakeAtMs
    if (type === 'snapshot') {
      const before = this.snapshot?.seq ?? 0
      this.records = this.records.filter((record) => record.seq > before)
      this.snapshot = { seq, envelope, section }
      return
    }
    this.head = seq
    const claim = { epoch: this.epoch, nonce: `nonce ${this.epoch}` }
    this.records.push({ seq, ...claim, envelope, ...(section.byteLength > 0 && { section }) })
  }
}
