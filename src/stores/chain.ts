/**
 * The checks of a journal. Each record's covers itself and the check before it; the first one goes
 * on from the name of the key. So a record that was changed, lost, repeated or put under another
 * key or claim does not fit. They find accidents; whoever can write the file can make new ones.
 */
import { crc32 } from 'node:zlib'
import type { InstanceName, StoredSnapshot } from '../base/protocol/index.ts'

/** A record as it is stored, with all that its check covers. */
export interface CheckedRecord {
  readonly seq: number
  readonly epoch: number
  readonly nonce: string
  readonly envelope: Uint8Array
  readonly section: Uint8Array
}

/** A snapshot, and where in the chain it and the records behind it stand. */
export interface CheckedSnapshot extends StoredSnapshot {
  /** Check of record `seq`. */
  readonly link: number
  /** The last record that may be gone, and its check. */
  readonly floor: number
  readonly floorLink: number
}

const head = new DataView(new ArrayBuffer(24))
const headBytes = new Uint8Array(head.buffer)

/** What the first record goes on from. */
export function rootLink({ backend, key }: InstanceName): number {
  return crc32(`${backend}/${key}`)
}

/** The check of a record that follows the one with the check `link`. */
export function recordLink(
  link: number,
  { seq, epoch, nonce, envelope, section }: CheckedRecord,
): number {
  head.setFloat64(0, seq)
  head.setFloat64(8, epoch)
  head.setUint32(16, envelope.byteLength)
  head.setUint32(20, section.byteLength)
  return crc32(section, crc32(envelope, crc32(nonce, crc32(headBytes, link))))
}

/** The check of a snapshot of the key whose chain begins with `root`. */
export function snapshotCheck(root: number, snapshot: CheckedSnapshot): number {
  const { seq, link, floor, floorLink, envelope, section } = snapshot
  head.setFloat64(0, seq)
  head.setFloat64(8, floor)
  head.setUint32(16, link)
  head.setUint32(20, floorLink)
  const start = crc32(headBytes, root)
  head.setUint32(16, envelope.byteLength)
  return crc32(section, crc32(envelope, crc32(headBytes, start)))
}
