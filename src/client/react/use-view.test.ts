// @vitest-environment happy-dom
import { act, createElement as h, memo, StrictMode, useState, version } from 'react'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Page, ScriptedInstance } from '../../../test/fakes/react.ts'
import { connect, type Live } from '../index.ts'
import { usePresence, useSelector, useStatus } from './index.ts'

interface Todo {
  text: string
  done: boolean
}
interface State {
  title: string
  todos: Todo[]
  byId: Record<string, { x: number }>
}
interface Todos {
  definition: { state(): State }
  actions: Record<never, never>
}

let page: Page
let instance: ScriptedInstance<State>
let live: Live<Todos>

beforeEach(() => {
  page = new Page()
  instance = new ScriptedInstance<State>({
    title: 'a',
    todos: ['one', 'two', 'three'].map((text) => ({ text, done: false })),
    byId: { p: { x: 1 }, q: { x: 2 } },
  })
  live = connect<Todos>(instance.address, instance.options)
})
afterEach(async () => {
  await page.leave()
  live.close()
})

/** A component that only its own selection renders again, and what it found each time. */
function selecting<T>(select: (state: NonNullable<typeof live.state>) => T) {
  const found: (T | undefined)[] = []
  const Selecting = memo(() => {
    // A new function in every render, as people write it.
    const value = useSelector(live, (state) => select(state))
    found.push(value)
    return h('p', null, JSON.stringify(value))
  })
  const node = h(Selecting)
  return [node, found] as const
}

it('runs with the React that this project is for', () => {
  expect(version.split('.')[0]).toBe(process.env['REACT'] ?? '19')
})

describe('useSelector()', () => {
  it('selects nothing before there is a state, and then what it is', async () => {
    const [title, found] = selecting((state) => state.title)
    await page.show(title)
    await instance.enter()
    expect(found).toEqual([undefined, 'a'])
    expect(page.text).toBe('"a"')
  })

  it('renders only who selected what changed', async () => {
    const [title, titles] = selecting((state) => state.title)
    const [todos, lists] = selecting((state) => state.todos)
    const [second, seconds] = selecting((state) => state.todos[1])
    const [count, counts] = selecting((state) => state.todos.length)
    await page.show(title, todos, second, count)
    await instance.enter()
    const renders = () => [titles, lists, seconds, counts].map(({ length }) => length - 2)
    expect(renders()).toEqual([0, 0, 0, 0])

    await instance.turn((state) => (state.title = 'b'))
    expect(renders()).toEqual([1, 0, 0, 0])
    await instance.turn((state) => (state.todos[0]!.done = true))
    expect(renders()).toEqual([1, 1, 0, 0])
    await instance.turn((state) => (state.todos[1]!.done = true))
    expect(renders()).toEqual([1, 2, 1, 0])
    await instance.turn((state) => (state.byId['p']!.x = 9))
    expect(renders()).toEqual([1, 2, 1, 0])
    await instance.turn((state) => state.todos.unshift(state.todos.pop()!))
    expect(renders()).toEqual([1, 3, 2, 0])
    await instance.turn((state) => state.todos.push({ text: 'four', done: false }))
    expect(renders()).toEqual([1, 4, 2, 1])
  })

  it('compares what a selector makes anew, one level deep', async () => {
    const [open, lists] = selecting((state) => state.todos.filter(({ done }) => !done))
    const [pair, pairs] = selecting(({ title, todos }) => ({ title, first: todos[0] }))
    const [deep, deeps] = selecting((state) => state.todos.map(({ text }) => ({ text })))
    await page.show(open, pair, deep)
    await instance.enter()
    const renders = () => [lists, pairs, deeps].map(({ length }) => length - 2)
    await instance.turn((state) => (state.byId['p']!.x = 9))
    expect(renders()).toEqual([0, 0, 1])
    await instance.turn((state) => (state.todos[2]!.done = true))
    expect(renders()).toEqual([1, 0, 2])
    await instance.turn((state) => (state.title = 'b'))
    expect(renders()).toEqual([1, 1, 3])
  })

  it.each([
    ['an array and an object with its indexes', ['a'], { 0: 'a' }],
    ['another name with the value undefined', { a: undefined }, { b: undefined }],
    ['a longer array', ['a'], ['a', 'b']],
    ['an empty array and null', [], null],
    ['zeros of both signs', 0, -0],
    ['two Maps', new Map(), new Map([['a', 1]])],
  ])('tells apart %s', async (_, one, other) => {
    const [node, found] = selecting((state): unknown => (state.title === 'a' ? one : other))
    await page.show(node)
    await instance.enter()
    await instance.turn((state) => (state.title = 'b'))
    expect(found).toEqual([undefined, one, other])
  })

  it('keeps what it selected when the component renders for another reason', async () => {
    const found: unknown[] = []
    let renderAgain = () => {}
    function Selecting() {
      const [times, setTimes] = useState(0)
      renderAgain = () => setTimes(times + 1)
      found.push(useSelector(live, (state) => state.todos.map(({ text }) => text)))
      return null
    }
    await page.show(h(Selecting))
    await instance.enter()
    await act(async () => renderAgain())
    expect(found.length).toBe(3)
    expect(found[2]).toBe(found[1])
    expect(found[2]).toEqual(['one', 'two', 'three'])
  })

  it('selects once a state, however often it is asked', async () => {
    let calls = 0
    const select = (state: { todos: readonly unknown[] }) => {
      calls += 1
      return [...state.todos]
    }
    const Selecting = () => h('p', null, useSelector(live, select)?.length)
    await page.show(h(Selecting))
    await instance.enter()
    await act(async () => instance.server.newest.hear({ type: 'event', name: 'e', payload: 0 }))
    expect(calls).toBe(1)
    await instance.turn((state) => (state.title = 'b'))
    expect(calls).toBe(2)
  })

  it('follows its props at once', async () => {
    const Point = ({ id }: { id: string }) =>
      h(
        'p',
        null,
        useSelector(live, (state) => state.byId[id]?.x),
      )
    await page.show(h(Point, { id: 'p' }))
    await instance.enter()
    expect(page.text).toBe('1')
    await page.show(h(Point, { id: 'q' }))
    expect(page.text).toBe('2')
    await instance.turn((state) => (state.byId['q']!.x = 3))
    expect(page.text).toBe('3')
  })

  it('leaves a component be whose part is gone together with it', async () => {
    const Point = ({ id }: { id: string }) =>
      h(
        'p',
        null,
        useSelector(live, ({ byId }) => byId[id]!.x),
      )
    const Points = () =>
      useSelector(live, ({ byId }) => Object.keys(byId))?.map((id) => h(Point, { id, key: id }))
    await page.show(h(StrictMode, null, h(Points)))
    await instance.enter()
    expect(page.text).toBe('12')
    await instance.turn((state) => delete state.byId['p'])
    expect(page.text).toBe('2')
  })

  it('follows another view when it is given one', async () => {
    const other = new ScriptedInstance<State>({ title: 'z', todos: [], byId: {} })
    const otherLive = connect<Todos>(other.address, other.options)
    await other.enter()
    await instance.enter()
    const Title = ({ of }: { of: typeof live }) =>
      h(
        'p',
        null,
        useSelector(of, ({ title }) => title),
      )
    await page.show(h(Title, { of: live }))
    await page.show(h(Title, { of: otherLive }))
    expect(page.text).toBe('z')
    await other.turn((state) => (state.title = 'y'))
    expect(page.text).toBe('y')
    otherLive.close()
  })

  it('listens to the view only while it is mounted', async () => {
    const listeners = new Set<() => void>()
    const view = {
      state: { title: 'a' },
      subscribe: (listener: () => void) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    }
    const Title = () =>
      h(
        'p',
        null,
        useSelector(view, ({ title }) => title),
      )
    await page.show(h(StrictMode, null, h(Title), h(Title)))
    expect([page.text, listeners.size]).toEqual(['aa', 2])
    await page.show(h(StrictMode, null, h(Title)))
    expect(listeners.size).toBe(1)
    await page.show(null)
    expect(listeners.size).toBe(0)
  })
})

describe('useStatus()', () => {
  it('renders when the status changes, and says what closed the view', async () => {
    const found: unknown[] = []
    const Status = memo(() => {
      const { status, error } = useStatus(live)
      found.push(error ? `${status} by ${error.code}` : status)
      return null
    })
    await page.show(h(Status))
    const socket = await instance.enter()
    await instance.turn((state) => (state.title = 'b'))
    await act(async () => socket.lose())
    await instance.wait(10_000)
    await act(async () => instance.server.newest.lose('SESSION_ENDED'))
    expect(found).toEqual(['connecting', 'live', 'stale', 'closed by SESSION_ENDED'])
  })
})

describe('usePresence()', () => {
  const entry = (connection: string, value: unknown = null) => ({
    connection,
    identity: { name: connection },
    value,
  })

  it('renders only when the others change', async () => {
    let renders = 0
    const People = memo(() => {
      const [others] = usePresence(live)
      renders += 1
      return h('p', null, others.map((other) => other.connection).join())
    })
    await page.show(h(People))
    const socket = await instance.enter({ presence: [entry('ada')] })
    expect([renders, page.text]).toEqual([2, 'ada'])
    await instance.turn((state) => (state.title = 'b'))
    expect(renders).toBe(2)
    await act(async () => socket.hear({ type: 'presence', entry: entry('bob', { x: 1 }) }))
    expect([renders, page.text]).toEqual([3, 'ada,bob'])
    await act(async () => socket.hear({ type: 'left', connection: 'ada' }))
    expect([renders, page.text]).toEqual([4, 'bob'])
    await act(async () => socket.lose())
    expect([renders, page.text]).toEqual([5, ''])
  })

  it('does not render for nobody who is gone', async () => {
    let renders = 0
    const People = memo(() => {
      usePresence(live)
      renders += 1
      return null
    })
    await page.show(h(People))
    const socket = await instance.enter()
    await act(async () => socket.lose())
    expect(renders).toBe(1)
  })

  it('shows our own value, by a function that stays the same', async () => {
    const shows = new Set<unknown>()
    const People = () => {
      const [others, show] = usePresence(live)
      shows.add(show)
      return h('button', { type: 'button', onClick: () => show({ x: 1 } as never) }, others.length)
    }
    await page.show(h(People))
    const socket = await instance.enter()
    await act(async () => socket.hear({ type: 'presence', entry: entry('bob') }))
    await page.click()
    expect(socket.all('presence')).toEqual([{ type: 'presence', value: { x: 1 } }])
    expect(shows.size).toBe(1)
  })
})
