/** Session state: tracked where it is changed, framed once, replicated where it is seen. */
export { applyChanges } from './apply-changes.ts'
export type { Change } from './changes.ts'
export { describeFrame, peekFrame } from './describe.ts'
export { type DeepReadonly, type Replica, replica } from './replica.ts'
export { restore, type Tracked, type TrackOptions, track } from './tracker.ts'
