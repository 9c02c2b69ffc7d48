/** `window.board`: for tests and curious visitors. Reads only. */
import type { Status } from 'sojourn/client'
import type { Acknowledged, ShownStroke, Sketch } from './sketch.ts'

export interface WindowBoard {
  readonly status: Status
  /** The strokes of the live state. */
  strokes(): readonly ShownStroke[]
  /** The visitor's own strokes whose begin and every extension were acknowledged. */
  acknowledged(): readonly Acknowledged[]
}

declare global {
  interface Window {
    board?: WindowBoard
  }
}

export function exposeBoard(sketch: Sketch): void {
  window.board = {
    get status() {
      return sketch.live.status
    },
    strokes: () => sketch.strokes,
    acknowledged: () => sketch.acknowledged,
  }
}
