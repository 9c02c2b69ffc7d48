/** How what a frame changes is taken back, should the frame turn out to be malformed. */

/**
 * Something that happened, and what happened before it. Steps are no classes: engines forget the
 * shape of instances, and the code compiled for it, when none is alive, as none is between frames.
 */
export interface Step {
  readonly previous: Step | undefined
  undo(): void
}

/**
 * The steps of one frame, the last one first. A chain and not a list, since most frames are small
 * and none but a refused one is ever gone through.
 */
export interface UndoLog {
  last: Step | undefined
}

/** Notes a step that is too rare for a form of its own. */
export function addStep(log: UndoLog, undo: () => void): void {
  log.last = { previous: log.last, undo }
}

export function undoAll(log: UndoLog): void {
  for (let step = log.last; step; step = step.previous) step.undo()
}
