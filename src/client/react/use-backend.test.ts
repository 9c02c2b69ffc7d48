// @vitest-environment happy-dom
import {
  act,
  Component,
  createElement as h,
  memo,
  type ReactNode,
  StrictMode,
  Suspense,
  startTransition,
  useState,
} from 'react'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Page, ScriptedInstance } from '../../../test/fakes/react.ts'
import { type BackendOptions, useBackend, useSelector, useStatus } from './index.ts'

interface Counter {
  definition: { state(): { n: number } }
  actions: Record<never, never>
}
type Instance = ScriptedInstance<{ n: number }>

let page: Page
let instance: Instance
beforeEach(() => {
  page = new Page()
  instance = new ScriptedInstance({ n: 1 })
})
afterEach(() => page.leave())

function Count({ of, ...more }: { of: Instance } & Omit<BackendOptions, 'suspense'>) {
  const live = useBackend<Counter>(of.address, { ...of.options, ...more })
  return h('p', null, useSelector(live, ({ n }) => n) ?? 'none')
}

describe('useBackend()', () => {
  it('connects while it is mounted, and a second longer', async () => {
    await page.show(h(Count, { of: instance }))
    await instance.enter()
    expect(page.text).toBe('1')
    await instance.turn((state) => (state.n = 2))
    expect(page.text).toBe('2')
    await page.show(null)
    expect(instance.socketsOpen).toBe(1)
    await instance.wait(1_000)
    expect(instance.socketsOpen).toBe(0)
  })

  it('opens one socket for many components', async () => {
    const counts = Array.from({ length: 5 }, () => h(Count, { of: instance }))
    await page.show(...counts)
    await instance.enter()
    expect(page.text).toBe('11111')
    expect(instance.server.sockets.length).toBe(1)
    await page.show(counts[0])
    await instance.wait(9_000)
    expect(instance.socketsOpen).toBe(1)
  })

  it('opens one socket in StrictMode, which mounts everything twice', async () => {
    await page.show(h(StrictMode, null, h(Count, { of: instance }), h(Count, { of: instance })))
    await instance.enter()
    await instance.wait(9_000)
    expect([page.text, instance.server.sockets.length]).toEqual(['11', 1])
    await page.show(null)
    await instance.wait(1_000)
    expect(instance.socketsOpen).toBe(0)
  })

  it('keeps the socket when the page goes on to another that uses it', async () => {
    await page.show(h(Count, { of: instance, key: 'one' }))
    await instance.enter()
    await page.show(null)
    await instance.wait(900)
    await page.show(h(Count, { of: instance, key: 'two' }))
    expect(page.text).toBe('1')
    await instance.wait(9_000)
    expect([instance.server.sockets.length, instance.socketsOpen]).toEqual([1, 1])
  })

  it('goes to another address at once, and leaves the one before', async () => {
    const other: Instance = new ScriptedInstance({ n: 9 })
    await page.show(h(Count, { of: instance }))
    await instance.enter()
    await page.show(h(Count, { of: other }))
    expect(page.text).toBe('none')
    await other.enter()
    expect(page.text).toBe('9')
    await instance.wait(1_000)
    expect([instance.socketsOpen, other.socketsOpen]).toEqual([0, 1])
  })

  it('connects anew for another visitor', async () => {
    await page.show(h(Count, { of: instance }))
    await instance.enter()
    await page.show(h(Count, { of: instance, visitor: 'ada' }))
    expect([page.text, instance.server.sockets.length]).toEqual(['none', 2])
    await instance.enter()
    await instance.wait(1_000)
    expect([page.text, instance.socketsOpen]).toEqual(['1', 1])
  })

  it('connects anew after the end, when the component begins anew', async () => {
    const Room = () => {
      const live = useBackend<Counter>(instance.address, instance.options)
      const n = useSelector(live, ({ n }) => n)
      return h('p', null, useStatus(live).error?.code ?? n)
    }
    await page.show(h(Room, { key: 1 }))
    await act(async () => instance.server.newest.lose('SESSION_ENDED'))
    expect(page.text).toBe('SESSION_ENDED')
    await page.show(h(Room, { key: 2 }))
    await instance.enter()
    expect([page.text, instance.server.sockets.length]).toEqual(['1', 2])
  })

  it('renders for no change of the state', async () => {
    let renders = 0
    const Room = memo(() => {
      useBackend<Counter>(instance.address, instance.options)
      renders += 1
      return null
    })
    await page.show(h(Room))
    await instance.enter()
    await instance.turn((state) => (state.n = 2))
    await act(async () => instance.server.newest.lose())
    expect(renders).toBe(1)
  })

  it('says at once that an address is none', async () => {
    const Room = () => h('p', null, useBackend<Counter>('ws://').status)
    await quietly(() => page.show(h(Boundary, null, h(Room))))
    expect(page.text).toContain('TypeError')
  })
})

/** Shows the code of what was thrown below it, and a button that tries again. */
class Boundary extends Component<{ children?: ReactNode }, { error?: unknown }> {
  override state: { error?: { name: string; code?: string } } = {}
  static getDerivedStateFromError = (error: unknown) => ({ error })
  override render(): ReactNode {
    const { error } = this.state
    if (!error) return this.props.children
    const onClick = () => this.setState({ error: undefined })
    return h('button', { type: 'button', onClick }, error.code ?? error.name)
  }
}

describe('useBackend() with suspense', () => {
  function Loaded({ of }: { of: Instance }) {
    const live = useBackend<Counter>(of.address, { ...of.options, suspense: true })
    const n: number = useSelector(live, ({ n }) => n)
    return h('p', null, live.state.n === n ? n : 'torn')
  }
  const room = (of: Instance) =>
    h(Boundary, null, h(Suspense, { fallback: 'waiting' }, h(Loaded, { of }), h(Loaded, { of })))

  it.each([
    ['', (node: ReactNode) => node],
    [' in StrictMode', (node: ReactNode) => h(StrictMode, null, node)],
  ])('shows the fallback until there is a state%s', async (_, wrap) => {
    await page.show(wrap(room(instance)))
    expect(page.text).toBe('waiting')
    await instance.enter()
    expect(page.text).toBe('11')
    await instance.turn((state) => (state.n = 2))
    await act(async () => instance.server.newest.lose())
    expect(page.text).toBe('22')
    await instance.wait(20_000)
    expect(instance.socketsOpen).toBe(1)
    await page.show(null)
    await instance.wait(1_000)
    expect(instance.socketsOpen).toBe(0)
  })

  it('waits through lost connections, with one socket at a time', async () => {
    await page.show(room(instance))
    await act(async () => instance.server.newest.lose())
    await instance.wait(9_000)
    expect(page.text).toBe('waiting')
    await instance.enter()
    expect([page.text, instance.socketsOpen]).toEqual(['11', 1])
  })

  it('goes on waiting when the state takes longer than a view waits for its holder', async () => {
    await page.show(room(instance))
    await instance.wait(31_000)
    expect(page.text).toBe('waiting')
    await instance.enter()
    expect([page.text, instance.socketsOpen]).toEqual(['11', 1])
  })

  it('leaves no socket behind when nobody waits any more', async () => {
    await page.show(room(instance))
    await page.show(null)
    await instance.wait(31_000)
    expect(instance.socketsOpen).toBe(0)
  })

  it.each([
    ['before there is a state', async () => {}],
    ['afterwards', () => instance.enter()],
  ])('throws what closes the view to the error boundary, %s', async (_, before) => {
    await quietly(async () => {
      await page.show(room(instance))
      await before()
      await act(async () => instance.server.newest.lose('FORBIDDEN'))
      expect([page.text, instance.server.sockets.length]).toEqual(['FORBIDDEN', 1])
      await instance.wait(1_000)
      await page.click()
      await instance.enter()
      expect([page.text, instance.server.sockets.length]).toEqual(['11', 2])
    })
  })

  it('throws rather than waits for a view that was closed by hand', async () => {
    let close = () => {}
    const Closing = () => {
      const live = useBackend<Counter>(instance.address, instance.options)
      close = () => live.close()
      return null
    }
    await quietly(async () => {
      await page.show(h(Closing), room(instance))
      await act(async () => close())
      expect(page.text).toBe('CONNECTION_CLOSED')
    })
  })

  it('keeps what is shown while a transition goes to another address', async () => {
    const other: Instance = new ScriptedInstance({ n: 9 })
    let go = (_: Instance) => {}
    const Switch = () => {
      const [of, setOf] = useState(instance)
      go = setOf
      return room(of)
    }
    await page.show(h(Switch))
    await instance.enter()
    await act(async () => startTransition(() => go(other)))
    expect(page.text).toBe('11')
    await instance.turn((state) => (state.n = 2))
    expect(page.text).toBe('22')
    await other.enter()
    expect(page.text).toBe('99')
    await instance.wait(1_000)
    expect([instance.socketsOpen, other.socketsOpen]).toEqual([0, 1])
  })
})

/** React writes every error that reaches a boundary to the console. */
async function quietly(run: () => Promise<void>): Promise<void> {
  const { error } = console
  console.error = () => {}
  try {
    await run()
  } finally {
    console.error = error
  }
}
