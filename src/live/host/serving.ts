import type { Address, InstanceName, Phase, StopReason } from '../../base/protocol/index.ts'

/** One key that is being served, by an instance or by a command. */
export interface Serving extends InstanceName {
  readonly phase: Phase
  /** Whether it may be used: it is ready, and nobody has ended its process. */
  readonly isUp: boolean
  /** Resolves when requests and connections may come; rejects with `INSTANCE_START_FAILED`. */
  readonly ready: Promise<void>
  /** Resolves when nothing of it runs any more. */
  readonly stopped: Promise<StopReason>
  /** The last lines that its process printed. */
  readonly lines: readonly string[]
  /** Orderly end; what does not end in time is killed. */
  stop(reason: StopReason): void
  /** Ends it at once. */
  kill(): void
  /** Where it serves HTTP. Rejects when it ends first. */
  locate(): Promise<Address>
  /** Keeps it awake until the function that is returned is called. */
  hold(): () => void
}
