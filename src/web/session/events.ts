/** What sessions do, as it is told to whoever keeps account of it. */
import type { Clock, SessionId } from '../../base/core/index.ts'
import type { Stage } from './core.ts'
import { sessionLimits } from './policy.ts'
import type { Steps } from './steps.ts'
import type { SessionRecord } from './store.ts'

/** What an event says of itself: a few short facts, nothing that names a person. */
export type EventProps = Readonly<Record<string, string | number | boolean>>

/** Something that a session did. */
export interface SessionEvent {
  /** When, epoch milliseconds. */
  readonly atMs: number
  readonly session: SessionId
  /** The application's id of the user who was logged in. */
  readonly user?: string | undefined
  readonly name: string
  readonly props?: EventProps | undefined
  /** The session that a `login` replaced, and whose stay goes on in this one. */
  readonly from?: SessionId | undefined
}

/** Takes events; never waits, and fails no request. */
export interface EventSink {
  /**
   * The facts of an application's event, checked and copied.
   *
   * @throws TypeError, RangeError for an event that can't be taken: a mistake of the developer
   */
  check(name: string, props: EventProps | undefined): EventProps | undefined
  /** Takes an event whose facts were checked. */
  add(event: SessionEvent): void
}

/** An event of a request; without a session it belongs to the one that the commit creates. */
type StagedEvent = Omit<SessionEvent, 'session'> & { readonly session: SessionId | undefined }

/** The events of one request: held back until its commit shows that what they tell is true. */
export class RequestEvents<Data extends object> {
  readonly #sink: EventSink
  readonly #clock: Clock
  readonly #stage: Stage<Data>
  #staged: StagedEvent[] = []
  #isCommitted = false

  constructor(sink: EventSink, clock: Clock, stage: Stage<Data>) {
    this.#sink = sink
    this.#clock = clock
    this.#stage = stage
  }

  /** @throws TypeError, RangeError as `EventSink.check` does; RangeError for too many */
  track(name: string, given: EventProps | undefined): void {
    const props = this.#sink.check(name, given)
    const { departure, record, hasStarted } = this.#stage
    const user = (departure ?? record)?.user?.id
    const session = departure ? undefined : record?.id
    const event = { atMs: this.#clock.nowMs(), session, user, name, props }
    if (hasStarted && this.#isCommitted) this.#handOver(event)
    else if (this.#staged.length < sessionLimits.eventsMax) this.#staged.push(event)
    else throw new RangeError(`a request may track ${sessionLimits.eventsMax} events`)
  }

  /** Carries out a commit and tells what it, and the request before it, did. */
  *during(commit: Steps<void>): Steps<void> {
    const { record: before, departure } = this.#stage
    yield* commit
    const { record } = this.#stage
    if (record && record.id !== before?.id)
      this.#tellOfNew(record, departure?.reason === 'login' ? before?.id : undefined)
    this.tell()
  }

  /** Tells what the request did, now that it is true. */
  tell(): void {
    this.#isCommitted = true
    for (const event of this.#staged.splice(0)) this.#handOver(event)
  }

  forget(): void {
    this.#staged = []
  }

  #tellOfNew({ id: session, user, createdAtMs: atMs }: SessionRecord, from?: SessionId): void {
    const facts = { atMs, session, user: user?.id }
    if (from === undefined) this.#sink.add({ ...facts, name: 'started' })
    if (user) this.#sink.add({ ...facts, name: 'login', from })
  }

  /** A session's first request did nothing before the session began. */
  #handOver({ session, atMs, user, ...event }: StagedEvent): void {
    const { record } = this.#stage
    if (session !== undefined) this.#sink.add({ ...event, session, atMs, user })
    else if (record)
      this.#sink.add({
        ...event,
        session: record.id,
        atMs: Math.max(atMs, record.createdAtMs),
        user: record.user?.id,
      })
  }
}
