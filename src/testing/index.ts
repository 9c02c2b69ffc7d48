/** `sojourn/testing`: conformance suites for drivers, and a clock to turn by hand. */
export type { VirtualClock } from './clock.ts'
export { virtualClock } from './clock.ts'
export type { EventStoreUnderTest } from './event-store.ts'
export { describeEventStore } from './event-store.ts'
export type { SessionStoreUnderTest, SuiteTools } from './session-store.ts'
export { describeSessionStore } from './session-store.ts'
