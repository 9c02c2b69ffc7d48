/** What every contestant's server is told, and answers. */
import type { Mode } from '../contestants.ts'

export interface Place {
  readonly port: number
  /** A scratch folder, deleted afterwards. */
  readonly data: string
  readonly mode: Mode
}

/** Serves until the function that it resolves with has run. Rejects when it can't serve like this. */
export type Serve = (place: Place) => Promise<() => Promise<void>>
