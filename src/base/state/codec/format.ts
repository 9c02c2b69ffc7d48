/** The words of the format (docs/protocol.md), and what a decoded frame or snapshot is made of. */
import { SojournError } from '../../core/errors.ts'

/** The audience of what nobody restricted. */
export const everyone = 'everyone'

/** Stands in the upper half of the first byte of every frame and snapshot. */
export const formatVersion = 2

/** The lower half of the first byte. */
export const headFlags = {
  /** A frame; without it a snapshot. */
  frame: 1,
  /** The key dictionary begins anew with this frame. */
  freshKeys: 2,
  /** An epoch follows the seq. */
  epoch: 4,
} as const

/** The lower two bits of the number that begins an operation; its argument is above them. */
export const operationCodes = { node: 0, set: 1, delete: 2, array: 3 } as const

/** The lower two bits of the number that begins a piece of an arranged array. */
export const pieceCodes = { values: 0, item: 1, items: 2 } as const

/**
 * First bytes of values. Below are the integers 0…63, then the short texts; from `number` on
 * stand numbers: two bits choose from `powers`, three are the lowest of the number, two count the
 * bytes that follow.
 */
export const valueCodes = {
  shortText: 0x40,
  undefined: 0x70,
  null: 0x71,
  false: 0x72,
  true: 0x73,
  integer: 0x74,
  float32: 0x75,
  float64: 0x76,
  text: 0x77,
  units: 0x78,
  bytes: 0x79,
  date: 0x7a,
  object: 0x7b,
  array: 0x7c,
  map: 0x7d,
  node: 0x7e,
  number: 0x80,
} as const

/** Integers below it are their own first byte. */
export const ownByteMax: number = valueCodes.shortText
/** Bytes of the longest text whose length is part of its first byte. */
export const shortTextBytesMax: number = valueCodes.undefined - valueCodes.shortText - 1
/** What a number in short form is divided by: whole, then with 2, 3 and 6 decimals. */
export const powers = [1, 100, 1_000, 1_000_000] as const
/** A number in short form is below this, and at or above its negative. */
export const shortNumberMax: number = 2 ** 26
/** The largest integer in long form: its sign takes the lowest of 53 bits. */
export const integerMax: number = 2 ** 52 - 1

/** Keys that one dictionary takes; the next frame after the last begins a new one. */
export const dictionaryKeysMax = 1_024
/** UTF-16 units of the longest key that a dictionary takes. */
export const dictionaryKeyUnitsMax = 64
/** Splices of one array in one frame; an array that is changed more often is arranged anew. */
export const splicesMax = 64

export const nodeKinds = ['object', 'array', 'map'] as const
export type NodeKind = (typeof nodeKinds)[number]

/** A container that a frame or snapshot brings; without a number it takes the next free one. */
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

/** A piece of an arranged array: items that stood at `start` of the window, or new values. */
export type Piece =
  | { readonly start: number; readonly count: number }
  | { readonly values: readonly unknown[] }

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
  | {
      readonly op: 'arrange'
      readonly node: number
      readonly index: number
      readonly remove: number
      readonly pieces: readonly Piece[]
    }

export interface Head {
  readonly kind: 'snapshot' | 'frame'
  readonly seq: number
  /** Which history the bytes belong to; 0 when nobody said. */
  readonly epoch: number
  readonly freshKeys: boolean
  /** Where the body begins. */
  readonly start: number
}

export interface Snapshot extends Head {
  /** The number that the next new node gets. */
  readonly next: number
  readonly root: NodeValue
}

export interface Frame extends Head {
  readonly operations: readonly Operation[]
  /** Keys that this frame adds to the dictionary. */
  readonly newKeys: readonly string[]
}

export function malformed(detail: string, cause?: unknown): SojournError {
  return new SojournError('FRAME_MALFORMED', detail, { cause })
}
