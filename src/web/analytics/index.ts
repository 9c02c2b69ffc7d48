export type {
  Analytics,
  AnalyticsOptions,
  Figures,
  FunnelStep,
  TimeSpan,
} from './analytics.ts'
export { createAnalytics } from './analytics.ts'
export type { BuiltInEvent } from './events.ts'
export { builtInEvents, eventLimits, eventOfEnd } from './events.ts'
export type {
  Bucket,
  EventBatch,
  EventCount,
  EventStore,
  Lengths,
  Period,
  StoredEvent,
} from './store.ts'
export { writerLimits } from './writer.ts'
