import type { Address, Phase, StopReason } from '../../base/protocol/index.ts'

/** One key that is being served, by an instance or by a command. */
export interface Serving {
  readonly phase: Phase
  /** Resolves when requests and connections may come; rejects with `INSTANCE_START_FAILED`. */
  readonly ready: Promise<void>
  /** Resolves when nothing of it runs any more. */
  readonly stopped: Promise<StopReason>
  /** Orderly end; what does not end in time is killed. */
  stop(reason: StopReason): void
  /** Where it serves HTTP. Rejects when it ends first. */
  locate(): Promise<Address>
  /** Keeps it awake until the function that is returned is called. */
  hold(): () => void
}
