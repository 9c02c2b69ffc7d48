/** Plain data that is changed by requests side by side: revised by each, and joined by a replay. */
export { applyChanges } from './changes/apply-changes.ts'
export type { Change } from './changes/changes.ts'
export { type Revision, type RevisionOptions, revise } from './tracked/revision.ts'
export { plainCopy } from './values.ts'
