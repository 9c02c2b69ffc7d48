/** What the board's page and its process agree on. */

/** Strokes are kept in these units, so that windows of every size agree. */
export const paper = { width: 1600, height: 900 } as const

export const inks = ['#2b2622', '#b4472a', '#c98a1b', '#2f7d4f', '#1f6f8b', '#6b4a9e'] as const
export type Ink = (typeof inks)[number]

export const widths = [3, 7, 16] as const
export type Width = (typeof widths)[number]

/** A board holds this many strokes; the next one is refused. */
export const strokesMax = 2_000
/** Numbers (x and y by turns) of one stroke, and of one message of it. */
export const strokeNumbersMax = 4_000
export const chunkNumbersMax = 200

export interface Stroke {
  readonly id: string
  /** User id of whoever draws it. */
  readonly by: string
  readonly color: Ink
  readonly width: Width
  /** x and y by turns, whole numbers. */
  readonly points: number[]
}

export const boardNamePattern = /^[a-z0-9][a-z0-9-]{0,39}$/
export const suggestedBoards = ['lobby', 'garden', 'sketches', 'plans'] as const
