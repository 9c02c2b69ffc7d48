/** Runs in a worker of little memory: byte strings that nobody wrote, into all that decodes. */
import { parentPort, workerData } from 'node:worker_threads'
import { decodeValue, encodeValue } from '../../src/base/codec/index.ts'
import { describeFrame, replica, restore, track } from '../../src/base/state/index.ts'

const { seed, strings } = workerData as { seed: number; strings: number }

/** A small generator of its own: the seed tells the whole attack. */
let word = seed
function below(limit: number): number {
  word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor((word / 2 ** 32) * limit)
}

function recorded(): Uint8Array[] {
  const tracked = track<Record<string, unknown>>(
    {
      list: Array.from({ length: 40 }, (_, id) => ({ id, text: `item ${id}`, at: 1.25 * id })),
      map: new Map<string, unknown>([['k', new Date(1)]]),
      bytes: new Uint8Array([1, 2, 3]),
      odd: ['\ud800', -0, Number.NaN, undefined].filter((one) => one !== undefined),
    },
    { epoch: 5 },
  )
  const { state } = tracked
  const list = state['list'] as { id: number }[]
  const found = [tracked.snapshot()]
  const flush = (): void => {
    const frame = tracked.flush()
    if (frame) found.push(frame)
  }
  list.unshift(list.pop() as { id: number })
  flush()
  list.sort((left, right) => (left.id % 7) - (right.id % 7))
  state['more'] = { deep: [{ x: undefined }, [[2 ** 40, 1 / 3]]] }
  flush()
  delete state['odd']
  list.splice(3, 9)
  flush()
  return found
}

const alphabet = [0, 1, 2, 3, 7, 8, 0x7b, 0x7c, 0x7d, 0x7e, 0x77, 0x79, 0xff, 0x41, 0x7f, 0x80]
const anyByte = (): number => (below(3) > 0 ? (alphabet[below(alphabet.length)] ?? 0) : below(256))
const heads = [[0x20, 0], [0x21, 1], [0x23, 1], [0x25, 1, 5], [0x27, 1, 5], []]

function random(): number[] {
  const bytes = [...(heads[below(heads.length)] ?? [])]
  for (let left = below(60); left > 0; left--) bytes.push(anyByte())
  return bytes
}

function mutated(from: readonly Uint8Array[]): number[] {
  const bytes = [...(from[below(from.length)] ?? [])]
  for (let edits = 1 + below(6); edits > 0; edits--) {
    const at = below(bytes.length)
    const kind = below(4)
    if (kind === 0) bytes.splice(at, 1)
    else if (kind === 1) bytes.splice(at, 0, anyByte())
    else if (kind === 2) bytes[at] = anyByte()
    else bytes.length = at
  }
  // Where frames are expected next, most of them should be taken for it.
  if (below(2) > 0 && bytes.length > 1) bytes[1] = 1
  return bytes
}

const counts = { taken: 0, refused: 0 }
function attempt(run: () => unknown): void {
  try {
    run()
    counts.taken += 1
  } catch (error) {
    if ((error as { code?: string }).code !== 'FRAME_MALFORMED') throw error
    counts.refused += 1
  }
}

const originals = recorded()
const [snapshot = new Uint8Array(), first = new Uint8Array()] = originals
const values = [encodeValue({ a: [1, { b: 'c' }], m: new Map([['k', 2.5]]), d: new Date(3) })]
const seen = replica<object>()
seen.apply(snapshot)
for (let count = 0; count < strings; count++) {
  const bytes = Uint8Array.from(below(2) > 0 ? random() : mutated(originals))
  const before = seen.state
  const { seq } = seen
  let taken: unknown
  attempt(() => {
    taken = seen.apply(bytes)
  })
  if (taken === 'applied') {
    JSON.stringify(seen.state)
    seen.apply(snapshot)
  } else if (seen.state !== before || seen.seq !== seq)
    throw new Error('A refused frame left a trace')
  attempt(() => describeFrame(bytes))
  if (count % 5 === 0) {
    attempt(() => restore(bytes, []))
    attempt(() => restore(snapshot, [first, bytes]).snapshot())
    attempt(() => decodeValue(Uint8Array.from(mutated(values))))
  }
}
parentPort?.postMessage({ ...counts, ownKeys: Reflect.ownKeys(Object.prototype).map(String) })
