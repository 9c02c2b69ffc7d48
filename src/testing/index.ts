/** `sojourn/testing`: conformance suites for drivers, and a clock to turn by hand. */
export type { VirtualClock } from './clock.ts'
export { virtualClock } from './clock.ts'
export type { SessionStoreUnderTest, SuiteTools } from './session-store.ts'
export { describeSessionStore } from './session-store.ts'
