/** The words of the format, and what a decoded frame or snapshot is made of. */
import { SojournError } from '../core/errors.ts'

export const formatVersion = 1
export const bytesKinds = ['snapshot', 'frame'] as const
export type BytesKind = (typeof bytesKinds)[number]

export const nodeKinds = ['object', 'array', 'map'] as const
export type NodeKind = (typeof nodeKinds)[number]

/** Follows a marker in place of a node kind: the number of a node that is known already. */
export const referenceCode: number = nodeKinds.length
/** Announces a node where a value is expected: the one-byte empty array of MessagePack. */
export const marker: readonly unknown[] = []

export const operationCodes = { set: 0, delete: 1, splice: 2 } as const

/** A container in a frame; without a number it takes the next free one. */
export class NodeValue {
  readonly kind: NodeKind
  readonly number: number | undefined
  /** Keys stay empty for arrays. */
  readonly keys: readonly string[]
  readonly values: readonly unknown[]
  constructor(
    kind: NodeKind,
    number: number | undefined,
    keys: readonly string[],
    values: readonly unknown[],
  ) {
    this.kind = kind
    this.number = number
    this.keys = keys
    this.values = values
  }
}

/** A node that has a number already. */
export class Reference {
  readonly number: number
  constructor(number: number) {
    this.number = number
  }
}

export type Operation =
  | { readonly op: 'set'; readonly node: number; readonly key: string; readonly value: unknown }
  | { readonly op: 'delete'; readonly node: number; readonly key: string }
  | {
      readonly op: 'splice'
      readonly node: number
      readonly index: number
      readonly remove: number
      readonly insert: readonly unknown[]
    }

export interface Snapshot {
  readonly kind: 'snapshot'
  readonly seq: number
  /** The number that the next new node gets. */
  readonly next: number
  readonly root: NodeValue
}

export interface Frame {
  readonly kind: 'frame'
  readonly seq: number
  readonly operations: readonly Operation[]
}

export function malformed(detail: string, cause?: unknown): SojournError {
  return new SojournError('FRAME_MALFORMED', detail, { cause })
}
