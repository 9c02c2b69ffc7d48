import {
  type Clock,
  type Log,
  type Random,
  type SessionId,
  silentLog,
  systemClock,
  systemRandom,
} from '../../base/core/index.ts'
import type { EventProps, EventSink } from '../session/index.ts'
import { checkEvent, checkName, eventLimits } from './events.ts'
import type { Bucket, EventCount, EventStore, Lengths, Period, StoredEvent } from './store.ts'
import { EventWriter } from './writer.ts'

const hourMs = 3600e3
const dayMs = 24 * hourMs
/** A stay with an event so recently is going on. */
const activeMs = 300e3

/** From when, up to and not including when: moments, or epoch milliseconds. At most 100 days. */
export interface TimeSpan {
  readonly from: Date | number
  readonly to: Date | number
}

/**
 * What sessions did in a period. A *session* here is a whole stay: a login, which gives the
 * visitor a session of another id, goes on with the one that it replaced.
 */
export interface Figures {
  /**
   * Sessions that have not ended and had an event in the last 5 minutes, whatever the period: a
   * visitor who only looks at pages that track nothing isn't seen.
   */
  readonly activeNow: number
  /** Sessions that started. */
  readonly sessions: number
  /** The same by hours in UTC, without gaps; the first and the last may be cut by the period. */
  readonly sessionsPerHour: readonly Bucket[]
  /** The same by days in UTC. */
  readonly sessionsPerDay: readonly Bucket[]
  /** From the start to the end, of the sessions that ended. */
  readonly lengths: Lengths
  /** The 20 most frequent events, the built-in ones too. */
  readonly topEvents: readonly EventCount[]
  readonly logins: number
}

/** One step of a funnel. */
export interface FunnelStep {
  readonly name: string
  /** How many sessions came this far. */
  readonly sessions: number
  /** Of those that came to the first step, 0 to 1; 0 when none did. */
  readonly shareOfFirst: number
  /** Of those that came to the step before, 0 to 1; for the first step 1, or 0 when none did. */
  readonly shareOfPrevious: number
}

/** What `createAnalytics()` is given. */
export interface AnalyticsOptions {
  readonly store: EventStore
  /** Default: the machine's. */
  readonly clock?: Clock
  /** Default: the platform's generator. */
  readonly random?: Random
  /** Default: silent. */
  readonly log?: Log
  /** How long events are kept: an hour to 400 days, default 90 days. */
  readonly retentionMs?: number
}

/** What sessions did: events and figures. Answers are up to a second behind the events. */
export interface Analytics {
  /**
   * Notes an event of a session outside of its requests; within one, use `session.track()`.
   * Returns at once; the event is stored within a second or so. Events that the store can't take
   * for long are dropped, and the log says how many.
   *
   * @throws TypeError, RangeError for an event that doesn't fit, see `Session.track`
   */
  track(
    session: SessionId,
    user: string | undefined,
    event: string,
    props?: EventProps | undefined,
  ): void
  /**
   * What sessions did in a period.
   *
   * @throws TypeError, RangeError for a period that is none, or longer than 100 days;
   * SojournError `STORE_UNAVAILABLE`
   */
  figures(span: TimeSpan): Promise<Figures>
  /**
   * How many sessions did the first step, how many of them later the second, and so on.
   *
   * @param steps names of 1 to 10 events, built-in ones too; the same twice needs two events
   * @param span `withinMs`: the last step counts at most so long after the first; default: all
   * steps within the period
   * @throws TypeError, RangeError, SojournError as in `figures`
   */
  funnel(
    steps: readonly string[],
    span: TimeSpan & { readonly withinMs?: number },
  ): Promise<readonly FunnelStep[]>
  /**
   * The events themselves, in the order in which they were stored.
   *
   * @param page `after`: the position of the last one seen, default 0; `limit`: 1 to 1,000, default
   * 100
   * @throws TypeError, RangeError, SojournError as in `figures`
   */
  list(page?: { readonly after?: number; readonly limit?: number }): Promise<readonly StoredEvent[]>
  /** Forgets at most 5,000 events older than `retentionMs`; returns how many. For a timer. */
  sweep(): Promise<number>
  /** Stores what waits, for at most 2 s. The store stays open: it belongs to whoever opened it. */
  close(): Promise<void>
  /** For `createSessions({ events })`, and for whoever tells the built-in events. */
  readonly sink: EventSink
}

/**
 * Keeps account of what sessions do. No address, no token and no user agent is ever stored.
 *
 * @throws TypeError, RangeError at once for options that can't work
 */
export function createAnalytics({
  store,
  clock = systemClock,
  random = systemRandom,
  log = silentLog,
  retentionMs = 90 * dayMs,
}: AnalyticsOptions): Analytics {
  checkWhole('retentionMs', retentionMs, hourMs, 400 * dayMs)
  const writer = new EventWriter({ store, clock, random, log })
  const sink: EventSink = { check: checkEvent, add: (event) => writer.add(event) }
  return {
    sink,
    track(session, user, name, given) {
      const props = checkEvent(name, given)
      checkName('a session', session, eventLimits.nameCharsMax)
      if (user !== undefined) checkName('a user', user, eventLimits.userCharsMax)
      writer.add({ atMs: clock.nowMs(), session, user, name, props })
    },
    figures: async (span) => figuresOf(store, checkedPeriod(span), clock.nowMs()),
    async funnel(steps, { withinMs, ...span }) {
      const { nameCharsMax, stepsMax, periodMsMax } = eventLimits
      checkWhole('the number of steps', steps.length, 1, stepsMax)
      for (const step of steps) checkName('a step', step, nameCharsMax)
      if (withinMs !== undefined) checkWhole('withinMs', withinMs, 0, periodMsMax)
      return funnelOf(steps, await store.funnel(steps, checkedPeriod(span), withinMs))
    },
    async list({ after = 0, limit = 100 } = {}) {
      checkWhole('after', after, 0, Number.MAX_SAFE_INTEGER)
      checkWhole('limit', limit, 1, eventLimits.listMax)
      return store.list(after, limit)
    },
    sweep: async () => store.sweep(clock.nowMs() - retentionMs, eventLimits.sweepMax),
    close: () => writer.close(),
  }
}

/** One question after the other: a caller never has two in the store at once. */
async function figuresOf(store: EventStore, period: Period, nowMs: number): Promise<Figures> {
  const found = await store.startsPerHour(period)
  const sessionsPerHour = filled(found, hourMs, period)
  return {
    sessions: found.reduce((sum, { count }) => sum + count, 0),
    sessionsPerHour,
    sessionsPerDay: filled(found, dayMs, period),
    activeNow: await store.countActive(nowMs - activeMs),
    lengths: await store.lengths(period),
    topEvents: await store.topEvents(period, eventLimits.topMax),
    logins: await store.count('login', period),
  }
}

/** All buckets of a period, those in which nothing started too. */
function filled(found: readonly Bucket[], sizeMs: number, { fromMs, toMs }: Period): Bucket[] {
  const startOf = (atMs: number): number => Math.floor(atMs / sizeMs) * sizeMs
  const counts = new Map<number, number>()
  for (let atMs = startOf(fromMs); atMs < toMs; atMs += sizeMs) counts.set(atMs, 0)
  for (const { fromMs: atMs, count } of found)
    counts.set(startOf(atMs), (counts.get(startOf(atMs)) ?? 0) + count)
  return [...counts].map(([atMs, count]) => ({ fromMs: atMs, count }))
}

function funnelOf(steps: readonly string[], counts: readonly number[]): readonly FunnelStep[] {
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)
  const [first = 0] = counts
  return steps.map((name, index) => {
    const sessions = counts[index] ?? 0
    const previous = counts[index - 1] ?? first
    return {
      name,
      sessions,
      shareOfFirst: share(sessions, first),
      shareOfPrevious: share(sessions, previous),
    }
  })
}

function checkedPeriod({ from, to }: TimeSpan): Period {
  const [fromMs, toMs] = [Number(from), Number(to)]
  for (const [name, atMs] of Object.entries({ from: fromMs, to: toMs }))
    checkWhole(name, atMs, 0, 8.64e15)
  if (toMs <= fromMs) throw new RangeError(`to must be after from, got ${fromMs} to ${toMs}`)
  if (toMs - fromMs > eventLimits.periodMsMax)
    throw new RangeError(`a period may have 100 days, got ${(toMs - fromMs) / dayMs}`)
  return { fromMs, toMs }
}

function checkWhole(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value)) throw new TypeError(`${name} must be a whole number, got ${value}`)
  if (value < min || value > max)
    throw new RangeError(`${name} must be ${min} to ${max}, got ${value}`)
}
