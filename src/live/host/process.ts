/**
 * A process of instances as its host sees it: it loads one backend, then serves up to
 * `perProcess` keys. It is killed when it does not answer, and nothing of it outlives it.
 */
import type { ChildProcess } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { type Clock, type Log, limits, logVia } from '../../base/core/index.ts'
import {
  encodeJournalReply,
  type HostToProcess,
  type JournalReply,
  type JournalRequest,
  type ModulePlan,
  type ProcessToHost,
  parseJournalRequest,
  type StopReason,
  splitMessages,
} from '../../base/protocol/index.ts'
import type { Launch, Launched } from './launch.ts'
import { memoryInBox, memoryOf } from './memory.ts'
import { Output } from './output.ts'
import type { SocketHandle } from './sockets.ts'
import type { ProcessExit } from './spawn.ts'

/** An instance that lives in a process. */
export interface Tenant {
  /** Its number in the messages. */
  readonly instance: number
  readonly key: string
  hear(message: ProcessToHost): void
  /** Writes to its journal. False when another owner has the key. */
  write(request: JournalRequest): Promise<boolean>
  /** The process is gone; `reason` is what the process was ended for, if not by itself. */
  lost(end: ProcessEnd): void
}

export interface ProcessEnd {
  readonly reason: StopReason
  readonly lastOutput: string
}

export interface ProcessOptions {
  readonly backend: string
  readonly plan: ModulePlan
  readonly launch: Launch
  /** The folder of the key that it is for, where it may write to nothing else. */
  readonly folder: string | undefined
  readonly clock: Clock
  readonly log: Log
}

export class InstanceProcess {
  /** Resolves when the process is gone and its tenants know. */
  readonly gone: Promise<void>
  readonly output: Output
  readonly #given: ProcessOptions
  readonly #child: ChildProcess
  readonly #front: Launched['front']
  readonly #killAll: () => void
  readonly #tenants = new Map<number, Tenant>()
  readonly #log: Log
  /** Why it was ended; the first reason counts, and a process that ended by itself has none. */
  #reason: StopReason | undefined
  /** The instance that brought the process down. */
  #culprit: number | undefined
  /** Instances that are about to move in. */
  #expected = 0
  #isGone = false
  /** Where it serves HTTP, once that was asked for. */
  #serving: Promise<{ readonly path: string }> | undefined
  #onServing = (): void => {}
  /** Since when it owes an answer. */
  #owesSinceMs: number | undefined

  constructor(given: ProcessOptions) {
    const { backend, plan, folder, launch, log } = given
    const { child, journal, outputs, front, ended, kill } = launch(plan, folder)
    this.#given = given
    this.#child = child
    this.#front = front
    this.#killAll = kill
    this.#log = logVia((level, facts, message) => {
      const [only, ...others] = this.#tenants.values()
      const key = only && others.length === 0 ? { key: only.key } : {}
      log[level]({ backend, ...key, pid: child.pid, ...facts }, message)
    })
    this.output = new Output(given.clock, {
      line: (text) => this.#log.info({}, text),
      dropped: (lines) => this.#log.warn({ lines }, `${lines} lines of its output were dropped`),
    })
    for (const stream of outputs) this.output.follow(stream)
    this.#serveJournal(journal)
    this.gone = ended.then((exit) => this.#end(exit))
    child.on('message', (message: ProcessToHost) => {
      this.#guard('channel', () => this.#hear(message))
    })
    this.say({ type: 'load', module: plan.module })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Whether it runs, and nobody has ended it. */
  get isUp(): boolean {
    return !this.#isGone && this.#child.connected && this.#reason === undefined
  }

  /** Whether another instance may move in. */
  get hasRoom(): boolean {
    const taken = this.#tenants.size + this.#expected
    return this.isUp && taken < this.#given.plan.perProcess
  }

  /** Whether no instance lives here, or is about to. */
  get isEmpty(): boolean {
    return this.#tenants.size + this.#expected === 0
  }

  /** Keeps room for an instance that is about to move in: `admit` or `release` follows. */
  expect(): void {
    this.#expected += 1
  }

  /** The one that was expected does not come. */
  release(): void {
    this.#expected -= 1
    if (this.isEmpty) this.end('requested')
  }

  admit(tenant: Tenant): void {
    this.#expected -= 1
    this.#tenants.set(tenant.instance, tenant)
    if (this.#isGone) queueMicrotask(() => tenant.lost({ reason: 'crashed', lastOutput: '' }))
  }

  /** A tenant has ended in good order; the process goes with its last one. */
  dismiss(tenant: Tenant): void {
    this.#tenants.delete(tenant.instance)
    if (this.isEmpty) this.end('requested')
  }

  say(message: HostToProcess, handle?: SocketHandle): void {
    if (!this.#child.connected) return
    // keepOpen: our descriptor stays ours until the process has closed its own.
    if (handle) this.#child.send(message, handle as never, { keepOpen: true }, () => {})
    else this.#child.send(message, () => {})
  }

  /** Where it serves HTTP; it begins to when it is asked first. Never resolves when it ends. */
  address(): Promise<{ readonly path: string }> {
    this.#serving ??= new Promise((resolve) => {
      this.#onServing = () => {
        const path = this.#front.reach()
        if (path === undefined) this.kill('crashed')
        else resolve({ path })
      }
      this.say({ type: 'serve', path: this.#front.socket })
    })
    return this.#serving
  }

  /** Lets it end: a process without a channel to its host ends by itself. Killed after `stopMs`. */
  end(reason: StopReason): void {
    if (this.#isGone) return
    this.#reason ??= reason
    if (this.#child.connected) this.#child.disconnect()
    this.#given.clock.after(limits.stopMs, () => this.kill(reason))
  }

  /** Ends it at once, with all that it started. `culprit`: the one for whose fault, if it is known. */
  kill(reason: StopReason, culprit?: Tenant): void {
    if (this.#isGone) return
    this.#reason ??= reason
    this.#culprit ??= culprit?.instance
    this.#killAll()
  }

  /** Asks for a sign of life; ends the process when it has owed one for too long, or is too large. */
  beat(nowMs: number): void {
    this.#weigh()
    if (this.#owesSinceMs === undefined) {
      this.#owesSinceMs = nowMs
      this.say({ type: 'beat' })
    } else if (nowMs - this.#owesSinceMs >= limits.stuckAfterMs) {
      this.#log.error({}, 'the process does not answer; it is ended')
      this.kill('stuck')
    }
  }

  /** Its answer may have been held up on our side: it gets the whole time again. */
  forgive(): void {
    this.#owesSinceMs = undefined
  }

  #weigh(): void {
    const { memoryBytesMax, sandbox } = this.#given.plan
    if (memoryBytesMax === 0 || this.pid === undefined) return
    const bytes = (sandbox ? memoryInBox(this.pid) : memoryOf(this.pid)) ?? 0
    if (bytes <= memoryBytesMax) return
    this.#log.error({ bytes, memoryBytesMax }, 'the process uses too much memory; it is ended')
    this.kill('out-of-memory')
  }

  #hear(message: ProcessToHost): void {
    this.#owesSinceMs = undefined
    switch (message.type) {
      case 'log':
        if (this.output.admits()) this.#log[message.level](message.facts, message.message)
        break
      case 'failed':
        this.#fail(message)
        break
      case 'serving':
        this.#onServing()
        break
      case 'loaded':
      case 'beat':
        break
      default:
        this.#tenants.get(message.instance)?.hear(message)
    }
  }

  #fail(message: Extract<ProcessToHost, { type: 'failed' }>): void {
    const { instance } = message
    this.#log.error({}, message.message)
    this.#culprit ??= instance
    if (instance !== undefined) this.#tenants.get(instance)?.hear(message)
    else this.kill('start-failed')
  }

  #serveJournal(pipe: Duplex): void {
    const take = splitMessages((bytes) => {
      const { instance, ...request } = parseJournalRequest(bytes)
      const reply = (type: JournalReply['type']): void => {
        pipe.write(encodeJournalReply({ type, instance, seq: request.seq }))
      }
      const tenant = this.#tenants.get(instance)
      if (!tenant) return reply('fenced')
      tenant.write(request).then(
        (written) => reply(written ? 'appended' : 'fenced'),
        (error) => {
          this.#log.error({ err: error }, 'the journal does not answer')
          reply('failed')
        },
      )
    })
    pipe.on('error', () => {})
    pipe.on('data', (chunk: Uint8Array) => this.#guard('journal', () => take(chunk)))
  }

  /** What it says may be anything: it ends, not we. */
  #guard(what: 'channel' | 'journal', hear: () => void): void {
    try {
      hear()
    } catch (error) {
      this.#log.error({ err: error }, `the process broke the protocol of its ${what}`)
      this.kill('crashed')
    }
  }

  #end({ code, signal }: ProcessExit): void {
    this.#isGone = true
    const lastOutput = this.output.tail()
    const reason = this.#reason ?? (this.#isOutOfMemory(signal) ? 'out-of-memory' : 'crashed')
    if (this.#tenants.size > 0) this.#log.warn({ reason, code, signal }, 'the process ended')
    for (const tenant of this.#tenants.values()) {
      const isNeighbour = this.#culprit !== undefined && this.#culprit !== tenant.instance
      tenant.lost({ reason: isNeighbour ? 'neighbour' : reason, lastOutput })
    }
    this.#tenants.clear()
  }

  /** V8 aborts with these words when the heap has reached its limit. */
  #isOutOfMemory(signal: NodeJS.Signals | null): boolean {
    return (
      signal === 'SIGABRT' && this.output.lines.some((line) => line.includes('heap out of memory'))
    )
  }
}
