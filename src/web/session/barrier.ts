/**
 * The response barrier: no header leaves before the session is stored. The first `write`, `end` or
 * `flushHeaders` starts the commit; with a store that answers at once nothing is held back at all,
 * otherwise bytes wait, with backpressure. If the commit fails, the whole answer is replaced.
 */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Awaitable } from '../../base/core/index.ts'
import { type Guard, type Guarded, type GuardedName, guard } from './guarded-response.ts'
import {
  type AddedHeaders,
  givesCookie,
  type HeadersGiven,
  isAboutReaders,
  pairsOf,
} from './headers.ts'
import { sessionLimits } from './policy.ts'
import type { Problem } from './problem.ts'

/** What a response has to wait for, and what it carries then. */
export interface Commitment {
  /** Stores what is staged; called once, before anything of the response leaves. */
  commit(): Awaitable<void>
  /** The headers that the response needs, now that it starts. */
  start(): AddedHeaders
  /**
   * Called before the end leaves, when other parts left earlier: stores what was changed since, or
   * throws when that can't be stored any more; then the connection is cut.
   */
  finish(): Awaitable<void>
  /** Nothing is stored from here on. */
  seal?(): void
}

type Callback = (error?: Error | null) => void

/** What was called on the response while it was held back. */
interface Held {
  readonly run: () => unknown
  readonly callback: Callback | undefined
}

/**
 * Puts the barrier of a visit before a response of node:http.
 *
 * @param problem the answer that stands for an error; called for every failure
 * @param next who is told of every failure. If the application has ended its answer by then, `next`
 * gets the response as it was before, and gives the answer in place of `problem`
 */
export function barrier(
  response: ServerResponse,
  visit: Commitment,
  problem: (error: unknown) => Problem,
  next?: (error: unknown) => void,
): void {
  new Barrier(response, visit, problem, next)
}

class Barrier implements Guard {
  readonly #response: ServerResponse
  readonly #visit: Commitment
  readonly #problem: (error: unknown) => Problem
  readonly #next: ((error: unknown) => void) | undefined
  readonly #guarded: Guarded
  /** The headers from before, for `next`. */
  readonly #headers: OutgoingHttpHeaders
  #phase: 'open' | 'holding' | 'released' | 'replaced' = 'open'
  /** `writeHead` was called: the head is as good as sent. */
  #hasHead = false
  #hasEnd = false
  #held: Held[] | undefined
  #heldBytes = 0
  #status = 200

  constructor(
    response: ServerResponse,
    visit: Commitment,
    problem: (error: unknown) => Problem,
    next: ((error: unknown) => void) | undefined,
  ) {
    this.#response = response
    this.#visit = visit
    this.#problem = problem
    this.#next = next
    this.#headers = next ? response.getHeaders() : {}
    this.#guarded = guard(response, this)
  }

  get isHeadHeld(): boolean {
    return this.#hasHead || this.#phase !== 'open'
  }

  get isEndHeld(): boolean {
    return this.#hasEnd
  }

  writeHead(args: [number, ...unknown[]]): ServerResponse {
    const response = this.#response
    if (this.#phase === 'released') return this.#call('writeHead', args) as ServerResponse
    if (this.#phase === 'replaced') return response
    const [status, first, second] = args
    const reason = typeof first === 'string' ? first : undefined
    const headers = (typeof first === 'object' ? first : second) ?? {}
    this.#checkHead()
    if (!(status >= 100 && status <= 999)) throw new RangeError(`not an HTTP status: ${status}`)
    for (const pair of pairsOf(headers as HeadersGiven)) this.#call('setHeader', pair)
    response.statusCode = status
    if (reason !== undefined) response.statusMessage = reason
    this.#status = status
    this.#hasHead = true
    this.#guarded.pretend()
    return response
  }

  write(args: readonly unknown[]): boolean {
    if (this.#phase === 'holding' && this.#isTooMuch(args[0])) return false
    return this.#pass('write', args) as boolean
  }

  end(args: readonly unknown[]): ServerResponse {
    if (this.#hasEnd) return this.#response
    if (this.#phase === 'released') this.#finish(args)
    else this.#pass('end', args)
    this.#hasEnd = true
    this.#visit.seal?.()
    return this.#response
  }

  #finish(args: readonly unknown[]): void {
    try {
      const finished = this.#visit.finish()
      if (!(finished instanceof Promise)) this.#call('end', args)
      else {
        this.#guarded.pretend()
        finished.then(() => this.#call('end', args)).catch((error: unknown) => this.#cut(error))
      }
    } catch (error) {
      this.#cut(error)
    }
  }

  flushHeaders(): void {
    this.#pass('flushHeaders', [])
  }

  /** Hands a call on, now or once the session is stored; false means: wait for `drain`. */
  #pass(name: 'write' | 'end' | 'flushHeaders', args: readonly unknown[]): unknown {
    if (this.#phase === 'open') this.#commit()
    if (this.#phase === 'released') return this.#call(name, args)
    const callback = args.find((arg): arg is Callback => typeof arg === 'function')
    if (this.#phase === 'holding') {
      this.#held ??= []
      this.#held.push({ run: () => this.#call(name, args), callback })
      return false
    }
    if (callback) queueMicrotask(callback)
    return true
  }

  changeHead(name: 'setHeader' | 'appendHeader' | 'removeHeader', args: readonly unknown[]) {
    if (this.#phase === 'replaced') return this.#response
    if (this.#phase !== 'released') this.#checkHead()
    return this.#call(name, args)
  }

  #checkHead(): void {
    if (!this.#hasHead && this.#phase === 'open') return
    const error = new Error('Cannot set headers after they are sent to the client')
    throw Object.assign(error, { code: 'ERR_HTTP_HEADERS_SENT' })
  }

  #commit(): void {
    this.#phase = 'holding'
    if (!this.#hasHead) this.#status = this.#response.statusCode
    try {
      const committed = this.#visit.commit()
      if (!(committed instanceof Promise)) {
        this.#release()
        return
      }
      this.#guarded.pretend()
      committed
        .then(
          () => this.#release(),
          (error) => this.#replace(error),
        )
        // What was held back may be nothing that node:http can send; nobody else would hear it.
        .catch((error: unknown) => this.#cut(error))
    } catch (error) {
      this.#replace(error)
    }
  }

  #release(): void {
    const response = this.#response
    // The bytes held were too many meanwhile.
    if (this.#phase !== 'holding') return
    this.#phase = 'released'
    response.statusCode = this.#status
    const added = this.#visit.start()
    for (const [name, value] of added) {
      if (name === 'set-cookie') this.#call('appendHeader', [name, value])
      else if (givesCookie(added) || !response.hasHeader(name))
        this.#call('setHeader', [name, value])
    }
    const held = this.#held
    if (!held) return
    this.#held = undefined
    let result: unknown
    for (const { run } of held) result = run()
    // Whoever was told to wait must hear of it, unless the socket is behind and will tell.
    if (result !== false && !this.#hasEnd) response.emit('drain')
  }

  /** The answer of the application is dropped: what it says may not be true. */
  #replace(error: unknown): void {
    const response = this.#response
    if (this.#phase !== 'holding') return
    this.#phase = 'replaced'
    const { status, headers, body } = this.#problem(error)
    for (const name of response.getHeaderNames())
      if (!isAboutReaders(name)) this.#call('removeHeader', [name])
    response.statusMessage = ''
    if (this.#next && this.#hasEnd) {
      this.#giveBack(this.#next, error)
      return
    }
    response.statusCode = status
    if (this.#next) response.once('finish', () => this.#next?.(error))
    const [cookie] = this.#visit.start().filter(([name]) => name === 'set-cookie')
    const length = Buffer.byteLength(body)
    const head = { ...headers, 'content-length': length, ...(cookie && { [cookie[0]]: cookie[1] }) }
    for (const pair of Object.entries(head)) this.#call('setHeader', pair)
    this.#phase = 'released'
    this.#call('end', [body])
    this.#phase = 'replaced'
    this.#forget()
  }

  /** Takes the barrier away: `next` answers upon a response that looks untouched. */
  #giveBack(next: (error: unknown) => void, error: unknown): void {
    const response = this.#response
    this.#guarded.release()
    for (const pair of Object.entries(this.#headers)) this.#call('setHeader', pair)
    response.statusCode = 200
    this.#forget()
    next(error)
  }

  /** Drops what was held back; whoever waits for it must not wait for ever. */
  #forget(): void {
    const held = this.#held
    if (!held) return
    this.#held = undefined
    for (const { callback } of held) callback?.()
    if (!this.#hasEnd) this.#response.emit('drain')
  }

  /** Counts what waits; whoever ignores `false` and the wait for `drain` is cut off at the limit. */
  #isTooMuch(chunk: unknown): boolean {
    const { byteLength, length = 0 } = Object(chunk) as { byteLength?: number; length?: number }
    this.#heldBytes += byteLength ?? length
    if (this.#heldBytes <= sessionLimits.heldBytesMax) return false
    this.#cut(new RangeError('too many bytes were written while the session was being stored'))
    return true
  }

  #cut(error: unknown): void {
    this.#phase = 'replaced'
    this.#held = undefined
    this.#problem(error)
    this.#response.destroy()
    this.#next?.(error)
  }

  #call(name: GuardedName, args: readonly unknown[]): unknown {
    return this.#guarded.call(name, args)
  }
}
