/** The events and times that the suite of event stores works with. */
import type { EventStore, Period } from '../web/analytics/index.ts'
import type { SessionEvent } from '../web/session/index.ts'

/** One expectation of a store that was opened for it alone. */
export type Test = (store: EventStore) => Promise<void>

export const hourMs = 3600e3
export const startMs: number = Date.UTC(2030, 0)
export const all: Period = { fromMs: startMs, toMs: startMs + 100 * hourMs }

export function event(
  session: string,
  name: string,
  atMs = 0,
  more: Partial<SessionEvent> = {},
): SessionEvent {
  return { atMs: startMs + atMs, session, user: undefined, name, ...more }
}

let writers = 0
/** Each batch is of a writer of its own. */
export async function store(into: EventStore, ...batch: SessionEvent[]): Promise<void> {
  await into.append({ writer: `writer ${writers++}`, seq: 1, events: batch })
}

/** The first hundred, without what the store numbers them by. */
export async function allOf(from: EventStore): Promise<readonly object[]> {
  return (await from.list(0, 100)).map(({ position: _, ...one }) => one)
}
