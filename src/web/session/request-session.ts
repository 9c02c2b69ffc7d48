import type { Awaitable, SessionId } from '../../base/core/index.ts'
import type { EventProps } from './events.ts'
import type { SessionUser } from './store.ts'
import type {
  FreshOptions,
  HandOverOffer,
  HandOverOptions,
  LoginOptions,
  Session,
  TakeOverOptions,
} from './types.ts'
import type { Visit } from './visit.ts'

/** The public face of a visit: what an application gets of it, and nothing else. */
export class RequestSession<Data extends object> implements Session<Data> {
  readonly #visit: Visit<Data>

  constructor(visit: Visit<Data>) {
    this.#visit = visit
  }
  get id(): SessionId | undefined {
    return this.#visit.id
  }
  get isNew(): boolean {
    return this.#visit.isNew
  }
  get data(): Data {
    return this.#visit.data
  }
  get user(): SessionUser | undefined {
    return this.#visit.user
  }
  login(userId: string, options?: LoginOptions<Data>): void {
    this.#visit.login(userId, options)
  }
  logout(): void {
    this.#visit.logout()
  }
  requireFresh(options?: FreshOptions): void {
    this.#visit.requireFresh(options)
  }
  flash(name: string, value?: unknown): readonly unknown[] {
    return this.#visit.flash(name, value)
  }
  csrfToken(): string {
    return this.#visit.csrfToken()
  }
  checkCsrfToken(text: unknown): void {
    this.#visit.checkCsrfToken(text)
  }
  rotate(): void {
    this.#visit.rotate()
  }
  bearerToken(): string {
    return this.#visit.bearerToken()
  }
  handOver(options: HandOverOptions<Data>): Promise<string> {
    return this.#visit.handOver(options)
  }
  lookAtHandOver(code: unknown): Promise<HandOverOffer> {
    return this.#visit.lookAtHandOver(code)
  }
  takeOver(code: unknown, options?: TakeOverOptions): Promise<void> {
    return this.#visit.takeOver(code, options)
  }
  update<Result>(change: (data: Data) => Result): Promise<Result> {
    return this.#visit.update(change)
  }
  open(): Awaitable<void> {
    return this.#visit.open()
  }
  commit(): Awaitable<void> {
    return this.#visit.commit()
  }
  track(event: string, props?: EventProps): void {
    this.#visit.track(event, props)
  }
}
