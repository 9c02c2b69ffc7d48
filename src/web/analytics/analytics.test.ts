import { describe, expect, it } from 'vitest'
import { EventModel } from '../../testing/event-model.ts'
import { virtualClock } from '../../testing/index.ts'
import { type Analytics, builtInEvents, createAnalytics, eventLimits } from './index.ts'

const hourMs = 3600e3
const dayMs = 24 * hourMs
const minuteMs = 60e3

function setUp(options: { retentionMs?: number } = {}) {
  const clock = virtualClock()
  const store = new EventModel()
  const analytics = createAnalytics({ store, clock, ...options })
  const startMs = clock.nowMs()
  const note = (session: string, name: string, from?: string): void =>
    analytics.sink.add({ atMs: clock.nowMs(), session, name, from })
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const all = { from: startMs, to: new Date(startMs + 50 * hourMs) }
  return { clock, store, analytics, note, pass, startMs, all }
}

describe('events', () => {
  const { analytics } = setUp()
  const track = (name: unknown, props?: unknown) => () =>
    analytics.track('s_1', undefined, name as string, props as Record<string, string>)
  const { nameCharsMax, propsMax, propNameCharsMax, propTextCharsMax } = eventLimits
  const many = (count: number, text: string): object =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, text]))

  it('are taken up to their limits', () => {
    expect(track('x'.repeat(nameCharsMax), many(propsMax, 'y'.repeat(100)))).not.toThrow()
    const props = {
      ['x'.repeat(propNameCharsMax)]: 'y'.repeat(propTextCharsMax),
      n: -0.5,
      b: false,
    }
    expect(track('Artikel in den Korb 🛒', props)).not.toThrow()
    expect(track('__proto__', { ['__proto__']: 1 })).not.toThrow()
  })

  it.each([
    ['an empty name', '', undefined, 'an event must have 1 to 64 characters, got 0'],
    ['a long name', 'x'.repeat(65), undefined, 'got 65'],
    ['too many props', 'x', many(17, ''), 'x: at most 16 props, got 17'],
    ['a long name of a prop', 'x', { ['p'.repeat(65)]: 1 }, 'got 65'],
    ['a long text', 'x', { p: 'y'.repeat(257) }, 'x: p may have 256 characters, got 257'],
    ['too many bytes', 'x', many(16, 'ü'.repeat(80)), 'x: props may have 2048 bytes, got 2695'],
  ])('refuse %s', (_, name, props, message) => {
    expect(track(name, props)).toThrow(RangeError)
    expect(track(name, props)).toThrow(message)
  })

  it.each<[string, unknown, unknown, string]>([
    ['a name that is no text', 7, undefined, 'an event must be a text, got number'],
    [
      'a name that can not be printed',
      'a\nb',
      undefined,
      'an event must be printable, got "a\\nb"',
    ],
    ['half a character', '\ud800', undefined, 'printable'],
    ['a list', 'x', [1], 'x: props must be an object, got 1'],
    ['a number that is none', 'x', { p: Number.NaN }, 'x: p must be a text, a finite number'],
    ['what is nested', 'x', { p: {} }, 'x: p must be a text, a finite number or a boolean, got'],
    ...builtInEvents.map((name): [string, string, undefined, string] => [
      name,
      name,
      undefined,
      "is Sojourn's own",
    ]),
  ])('refuse %s', (_, name, props, message) => {
    expect(track(name, props)).toThrow(TypeError)
    expect(track(name, props)).toThrow(message)
  })

  it('are what they were when they were tracked', async () => {
    const { analytics, pass } = setUp()
    const props: Record<string, string> = { color: 'red' }
    analytics.track('s_1', 'ada', 'viewed', props)
    props['color'] = 'blue'
    await pass(1000)
    expect(await analytics.list()).toMatchObject([
      { position: 1, session: 's_1', user: 'ada', name: 'viewed', props: { color: 'red' } },
    ])
    expect(await analytics.list({ after: 1, limit: 1 })).toEqual([])
  })

  it('are forgotten after the retention', async () => {
    const { analytics, note, pass } = setUp({ retentionMs: hourMs })
    note('s_1', 'started')
    await pass(30 * minuteMs)
    note('s_2', 'started')
    await pass(30 * minuteMs)
    expect(await analytics.sweep()).toBe(0)
    await pass(1)
    expect([await analytics.sweep(), await analytics.sweep()]).toEqual([1, 0])
    expect(await analytics.list()).toMatchObject([{ session: 's_2' }])
  })
})

describe('figures', () => {
  it('say what sessions did in a period', async () => {
    const { analytics, note, pass, all, startMs } = setUp()
    note('s_1', 'started')
    analytics.track('s_1', undefined, 'viewed')
    await pass(25 * hourMs)
    note('s_2', 'started')
    note('s_3', 'started')
    await pass(10 * minuteMs)
    note('s_4', 'login', 's_2')
    note('s_3', 'logout')
    await pass(minuteMs)
    const { sessionsPerHour, ...figures } = await analytics.figures(all)
    expect(figures).toEqual({
      activeNow: 1,
      sessions: 3,
      sessionsPerDay: [
        { fromMs: startMs, count: 1 },
        { fromMs: startMs + dayMs, count: 2 },
        { fromMs: startMs + 2 * dayMs, count: 0 },
      ],
      lengths: { count: 1, p50Ms: 10 * minuteMs, p90Ms: 10 * minuteMs },
      logins: 1,
      topEvents: [
        { name: 'started', count: 3, sessions: 3 },
        { name: 'login', count: 1, sessions: 1 },
        { name: 'logout', count: 1, sessions: 1 },
        { name: 'viewed', count: 1, sessions: 1 },
      ],
    })
    expect(sessionsPerHour).toHaveLength(50)
    expect(sessionsPerHour.filter(({ count }) => count > 0)).toEqual([
      { fromMs: startMs, count: 1 },
      { fromMs: startMs + 25 * hourMs, count: 2 },
    ])
    await pass(5 * minuteMs)
    expect((await analytics.figures(all)).activeNow).toBe(0)
  })

  it('cut the first and the last hour where the period does', async () => {
    const { analytics, note, pass, startMs } = setUp()
    note('s_1', 'started')
    await pass(hourMs)
    note('s_2', 'started')
    await pass(minuteMs)
    const { sessionsPerHour } = await analytics.figures({
      from: startMs + 1,
      to: startMs + hourMs + 1,
    })
    expect(sessionsPerHour).toEqual([
      { fromMs: startMs, count: 0 },
      { fromMs: startMs + hourMs, count: 1 },
    ])
  })
})

describe('a funnel', () => {
  it('says how many sessions came how far', async () => {
    const { analytics, pass, all } = setUp()
    for (const [session, name] of [
      ['s_1', 'viewed'],
      ['s_2', 'viewed'],
      ['s_3', 'viewed'],
      ['s_4', 'viewed'],
      ['s_1', 'cart'],
      ['s_2', 'cart'],
      ['s_2', 'paid'],
      ['s_3', 'paid'],
    ] as const) {
      analytics.track(session, undefined, name)
      await pass(minuteMs)
    }
    expect(await analytics.funnel(['viewed', 'cart', 'paid'], all)).toEqual([
      { name: 'viewed', sessions: 4, shareOfFirst: 1, shareOfPrevious: 1 },
      { name: 'cart', sessions: 2, shareOfFirst: 0.5, shareOfPrevious: 0.5 },
      { name: 'paid', sessions: 1, shareOfFirst: 0.25, shareOfPrevious: 0.5 },
    ])
    const quick = await analytics.funnel(['viewed', 'cart'], { ...all, withinMs: 4 * minuteMs - 1 })
    expect(quick.map(({ sessions }) => sessions)).toEqual([4, 0])
    expect(await analytics.funnel(['never'], all)).toEqual([
      { name: 'never', sessions: 0, shareOfFirst: 0, shareOfPrevious: 0 },
    ])
  })
})

describe('a question that can not be answered', () => {
  const { analytics, all } = setUp()
  const from = all.from
  const asked: Record<string, (one: Analytics) => Promise<unknown>> = {
    'from must be a whole number, got NaN': (one) => one.figures({ from: new Date('x'), to: 5 }),
    'to must be after from': (one) => one.figures({ from, to: from }),
    'a period may have 100 days, got 101': (one) => one.figures({ from, to: from + 101 * dayMs }),
    'the number of steps must be 1 to 10, got 0': (one) => one.funnel([], all),
    'the number of steps must be 1 to 10, got 11': (one) => one.funnel(Array(11).fill('a'), all),
    'a step must have 1 to 64 characters': (one) => one.funnel([''], all),
    'withinMs must be 0 to': (one) => one.funnel(['a'], { ...all, withinMs: -1 }),
    'limit must be 1 to 1000, got 1001': (one) => one.list({ limit: 1001 }),
    'after must be a whole number, got 0.5': (one) => one.list({ after: 0.5 }),
  }
  for (const [message, ask] of Object.entries(asked))
    it(`is refused: ${message}`, () => expect(ask(analytics)).rejects.toThrow(message))

  it('is refused at once for options', () => {
    expect(() => setUp({ retentionMs: 0 })).toThrow(RangeError)
    expect(() => setUp({ retentionMs: Number.POSITIVE_INFINITY })).toThrow(TypeError)
  })
})
