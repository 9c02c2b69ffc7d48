/**
 * What a session holds, as the bytes that a store keeps: a byte of format, a byte of flags, then a
 * value with the version of the data, the data, and messages for the next page. The value may be
 * sealed; the flags are read without opening it.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { decodeValue, encodeValue, Memory } from '../../base/codec/index.ts'
import { type SessionId, SojournError } from '../../base/core/index.ts'
import type { Sealer } from '../../base/secrets/index.ts'
import { plainCopy } from '../../base/state/revisions.ts'
import { type Steps, wait } from './steps.ts'
import type { SessionRecord } from './store.ts'

const formats = { plain: 2, sealed: 3 } as const
const flags = { remembered: 1 } as const
const headBytes = 2

/** A message that waits for the next page that shows it. */
export interface FlashMessage {
  readonly id: string
  readonly name: string
  readonly value: unknown
}

/** What the owner of a session put into it. Several requests may share it: nobody changes it. */
export interface Content<Data extends object> {
  readonly data: Data
  readonly flash: readonly FlashMessage[]
}

/** How content becomes bytes: the options that are about it. */
export interface ContentsOptions<Data extends object> {
  readonly schema: StandardSchemaV1<unknown, Data> | undefined
  readonly dataBytesMax: number
  readonly version: number
  readonly migrate: ((data: never, from: number) => Data) | undefined
  readonly sealer: Sealer | undefined
}

/** Whether the visitor asked to be remembered. */
export function isRemembered(bytes: Uint8Array): boolean {
  return ((bytes[1] ?? 0) & flags.remembered) !== 0
}

export class Contents<Data extends object> {
  readonly #options: ContentsOptions<Data>
  readonly #memory = new Memory()

  constructor(options: ContentsOptions<Data>) {
    this.#options = options
  }

  /**
   * What a record holds; its data has the current version.
   *
   * @throws SojournError `STORE_UNAVAILABLE` for bytes that can't be read, `SESSION_INVALID` for
   * data of a version that this program doesn't know
   */
  decode({ id, bytes }: SessionRecord): Content<Data> {
    const value = this.#open(id, bytes)
    try {
      const [version, data, flash] = decodeValue(value) as [number, Data, FlashMessage[]]
      return { data: this.#migrated(id, data, version), flash }
    } catch (error) {
      if (error instanceof SojournError && error.code === 'SESSION_INVALID') throw error
      throw damaged(id, error)
    }
  }

  #open(id: SessionId, bytes: Uint8Array): Uint8Array {
    const body = bytes.subarray(headBytes)
    if (bytes[0] === formats.plain) return body
    if (bytes[0] !== formats.sealed) throw damaged(id, `format ${bytes[0]}`)
    const opened = this.#options.sealer?.open(body, contextOf(id, bytes[1] ?? 0))
    if (opened === undefined) throw damaged(id, 'none of the secrets opens it')
    return opened
  }

  #migrated(id: SessionId, data: Data, from: number): Data {
    const { version, migrate } = this.#options
    if (from === version) return data
    if (from > version || !migrate) {
      const detail = `The data of ${id} has version ${from}, this program knows ${version}.`
      throw new SojournError('SESSION_INVALID', detail)
    }
    return plainCopy(migrate(data as never, from)) as Data
  }

  /**
   * Bytes of content that is about to be stored, after the checks of the schema and of the size.
   *
   * @throws SojournError `SESSION_INVALID`, `SESSION_TOO_LARGE`, `STATE_UNSUPPORTED`
   */
  *encode(id: SessionId, content: Content<Data>, isRemembered: boolean): Steps<Uint8Array> {
    const { schema, dataBytesMax, version, sealer } = this.#options
    const { data, flash } = content
    if (schema) {
      const result = yield* wait(schema['~standard'].validate(plainCopy(data)))
      if (result.issues) throw new SojournError('SESSION_INVALID', describe(result.issues))
    }
    const flag = isRemembered ? flags.remembered : 0
    const head = [sealer ? formats.sealed : formats.plain, flag]
    const bytes = encodeValue([version, data, flash], { head, memory: this.#memory, isKnown: true })
    const valueBytes = bytes.byteLength - headBytes
    if (valueBytes > dataBytesMax) {
      const detail = `The session data takes ${valueBytes} of ${dataBytesMax} bytes.`
      throw new SojournError('SESSION_TOO_LARGE', detail)
    }
    if (!sealer) return bytes
    const sealed = sealer.seal(bytes.subarray(headBytes), contextOf(id, flag))
    return Buffer.concat([Uint8Array.from(head), sealed])
  }
}

/** The flags are sealed along: they can be read, not changed. */
function contextOf(id: SessionId, flag: number): string {
  return `session ${id} ${flag}`
}

function damaged(id: SessionId, cause: unknown): SojournError {
  return new SojournError('STORE_UNAVAILABLE', `The session ${id} is damaged.`, { cause })
}

/** Where and what, for at most five issues. */
function describe(issues: readonly StandardSchemaV1.Issue[]): string {
  const lines = issues.slice(0, 5).map(({ path = [], message }) => {
    const where = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return where ? `${where}: ${message}` : message
  })
  return `${lines.join('; ')}.`
}
