/** `sojourn/react`: hooks for React ≥ 18 over the client's live view. */
export type { UsedAction } from './use-action.ts'
export { useAction } from './use-action.ts'
export type { BackendOptions, Loaded } from './use-backend.ts'
export { useBackend } from './use-backend.ts'
export { usePresence, useSelector, useStatus } from './use-view.ts'
