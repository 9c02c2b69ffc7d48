/** How values are written (docs/protocol.md, "Values"): their first bytes, and the bounds of both sides. */
import { SojournError } from '../core/errors.ts'

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
  /** A container that frames and snapshots name by its number; plain values have none. */
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
/** Containers inside containers, the root included; bounds every recursion on both sides. */
export const depthMax = 128

export type ContainerKind = 'object' | 'array' | 'map'

export function malformed(detail: string, cause?: unknown): SojournError {
  return new SojournError('FRAME_MALFORMED', detail, { cause })
}
