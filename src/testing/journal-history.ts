/** Histories that are drawn by a seed, and what a journal must make of them. */
import assert from 'node:assert/strict'
import type { Awaitable } from '../base/core/index.ts'
import type { Claim } from '../base/protocol/index.ts'
import type { JournalWrite } from '../live/host/journal.ts'
import { append, type JournalUnderTest, plainRecovered, snapshot } from './journal-fixtures.ts'

/** What is known of one key. */
class Model {
  readonly claims: Claim[] = []
  records: object[] = []
  head = 0
  kept: { seq: number; floor: number; stored: object } | undefined

  get claim(): Claim | undefined {
    return this.claims.at(-1)
  }

  /** Whether the write is to be accepted; remembers it then. */
  write({ claim, type, entry }: JournalWrite): boolean {
    const { seq, section } = entry
    if (claim !== this.claim) return false
    if (type === 'append') {
      if (seq !== this.head + 1) return false
      const { epoch, nonce } = claim
      const { envelope } = entry
      this.records.push({ seq, epoch, nonce, envelope, ...(section.byteLength > 0 && { section }) })
      this.head = seq
      return true
    }
    const before = this.kept ?? { seq: 0, floor: 0 }
    if (seq > this.head || seq < before.seq) return false
    const floor = seq === before.seq ? before.floor : before.seq
    this.kept = { seq, floor, stored: entry }
    this.records = this.records.filter((record) => (record as { seq: number }).seq > floor)
    return true
  }

  get recovered(): object {
    return { records: this.records, ...(this.kept && { snapshot: this.kept.stored }) }
  }
}

/** Draws steps of claims, batches, recoveries and crashes, and compares each with the model. */
export async function drawnHistory(
  open: () => Awaitable<JournalUnderTest>,
  seed: number,
  steps: number,
): Promise<void> {
  const draw = drawing(seed)
  const names = ['x', 'y', 'xy'].map((key) => ({ backend: 'board', key }))
  const models = names.map(() => new Model())
  const opened = [await open()]
  try {
    for (let step = 0; step < steps; step += 1) {
      const { journal, directory, reopen } = opened.at(-1) as JournalUnderTest
      const at = draw(names.length)
      const [name, model] = [names[at], models[at]] as [(typeof names)[number], Model]
      const said = `seed ${seed}, step ${step}`
      const what = draw(10)
      if (what === 0 && reopen) opened.push(await reopen())
      else if (what <= 2) model.claims.push(await directory.claim(name))
      else if (what <= 4) await compare(opened.at(-1) as JournalUnderTest, model, said)
      else {
        const batch = drawBatch(draw, models, step)
        const expected = batch.map((write) => modelOf(models, write).write(write))
        assert.deepEqual(await journal.write(batch), expected, said)
      }
    }
    for (const model of models) await compare(opened.at(-1) as JournalUnderTest, model, `${seed}`)
  } finally {
    for (const { close } of opened) await close()
  }
}

async function compare({ journal }: JournalUnderTest, model: Model, said: string): Promise<void> {
  if (!model.claim) return
  assert.deepEqual(plainRecovered(await journal.recover(model.claim)), model.recovered, said)
}

function modelOf(models: readonly Model[], { claim }: JournalWrite): Model {
  return models.find(({ claims }) => claims.includes(claim)) as Model
}

/** Mostly what an owner would write; also what is superseded, repeated, ahead. */
function drawBatch(
  draw: (below: number) => number,
  models: readonly Model[],
  step: number,
): JournalWrite[] {
  const heads = new Map(models.map((model) => [model, model.head]))
  const batch: JournalWrite[] = []
  for (let left = draw(6); left > 0; left -= 1) {
    const model = models[draw(models.length)] as Model
    const claim = model.claims[draw(8) === 0 ? draw(model.claims.length) : model.claims.length - 1]
    if (!claim) continue
    const head = heads.get(model) ?? 0
    if (draw(5) === 0) batch.push(snapshot(claim, Math.max(0, head - draw(4) + 1), step))
    else {
      const seq = draw(8) === 0 ? head + draw(3) : head + 1
      if (claim === model.claim && seq === head + 1) heads.set(model, seq)
      batch.push(append(claim, seq, step))
    }
  }
  return batch
}

/** mulberry32: whole numbers below a bound, the same for the same seed. */
function drawing(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
