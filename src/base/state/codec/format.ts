/** The words of the format (docs/protocol.md), and what a decoded frame or snapshot is made of. */
import type { ContainerKind } from '../../codec/format.ts'

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
 * Splices of one array in one frame that move what is behind them, and splices in all; an array
 * that is changed more often is arranged anew. Decoders hold frames to the first.
 */
export const shiftsMax = 64
export const splicesMax = 1_024

/** A container that a frame or snapshot brings; without a number it takes the next free one. */
export class NodeValue {
  readonly kind: ContainerKind
  readonly number: number | undefined
  /** Keys stay empty for arrays. */
  readonly keys: readonly string[]
  readonly values: readonly unknown[]
  constructor(
    kind: ContainerKind,
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
