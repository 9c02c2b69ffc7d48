/** Session state: tracked where it is changed, framed once, replicated where it is seen. */
export { applyChanges } from './changes/apply-changes.ts'
export type { Change } from './changes/changes.ts'
export { describeFrame, peekFrame } from './codec/describe.ts'
export { type Applied, type DeepReadonly, type Replica, replica } from './replica/replica.ts'
export { type Revision, type RevisionOptions, revise } from './tracked/revision.ts'
export type { AudienceOf } from './tracked/streams.ts'
export {
  restore,
  restoreByAudience,
  type StoredStream,
  type Tracked,
  type TrackedByAudience,
  type TrackOptions,
  track,
  trackByAudience,
} from './tracked/tracker.ts'
export { plainCopy } from './values.ts'
