import type { Awaitable } from '../../base/core/index.ts'
import type { Claim, InstanceName } from '../../base/protocol/index.ts'

/** Who serves which key. */
export interface Directory {
  /**
   * Takes a key over: raises its epoch and draws a nonce in one atomic, fsynced step. From then
   * on every earlier claim of the key is fenced off the journal.
   */
  claim(name: InstanceName): Awaitable<Claim>
  /** Gives up everything that this incarnation owns. */
  close(): Awaitable<void>
}
