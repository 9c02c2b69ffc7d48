/** Session state: tracked where it is changed, framed once, replicated where it is seen. */
export { describeFrame, peekFrame } from './codec/describe.ts'
export { type Applied, type DeepReadonly, type Replica, replica } from './replica/replica.ts'
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
