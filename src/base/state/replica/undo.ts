/** How what a frame changes is taken back, should the frame turn out to be malformed. */

/** Something that happened, and what happened before it. */
export interface Step {
  readonly previous: Step | undefined
  undo(): void
}

/**
 * The steps of one frame, the last one first. A chain and not a list, since most frames are small
 * and none but a refused one is ever gone through.
 */
export class UndoLog {
  last: Step | undefined

  /** Notes a step that is too rare for a class of its own. */
  add(undo: () => void): void {
    this.last = { previous: this.last, undo }
  }

  run(): void {
    for (let step = this.last; step; step = step.previous) step.undo()
    this.last = undefined
  }
}
