// @vitest-environment happy-dom
/** What a server renders, and how a page takes over from there. */
import { act, createElement as h, StrictMode, Suspense } from 'react'
import { renderToString } from 'react-dom/server'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Page, ScriptedInstance } from '../../../test/fakes/react.ts'
import { useAction, useBackend, usePresence, useSelector, useStatus } from './index.ts'

interface Counter {
  definition: { state(): { n: number } }
  actions: { add: { types?: { input: number; output: number } } }
}

let page: Page
let instance: ScriptedInstance<{ n: number }>
beforeEach(() => {
  page = new Page()
  instance = new ScriptedInstance({ n: 1 })
})
afterEach(() => page.leave())

function Count() {
  const live = useBackend<Counter>(instance.address, instance.options)
  const n = useSelector(live, ({ n }) => n)
  const { status } = useStatus(live)
  const [others] = usePresence(live)
  const add = useAction(live, 'add')
  return h('p', null, `${n ?? 'none'} ${status} ${others.length} ${add.pending}`)
}

function Suspending() {
  const live = useBackend<Counter>(instance.address, { ...instance.options, suspense: true })
  return h(
    'p',
    null,
    useSelector(live, ({ n }) => n),
  )
}

it('renders on a server without a connection', () => {
  expect(renderToString(h(Count))).toBe('<p>none connecting 0 false</p>')
  expect(instance.server.sockets).toEqual([])
})

it('hydrates what the server rendered, and connects then', async () => {
  await page.hydrate(renderToString(h(Count)), h(StrictMode, null, h(Count)))
  expect(page.text).toBe('none connecting 0 false')
  await instance.enter()
  expect(page.text).toBe('1 live 0 false')
  expect([page.mended, instance.server.sockets.length]).toEqual([[], 1])
})

it('renders the fallback on a server, and goes on in the page', async () => {
  const node = h(Suspense, { fallback: h('i', null, 'waiting') }, h(Suspending))
  const html = renderToString(node)
  expect(html).toContain('<i>waiting</i>')
  expect(instance.server.sockets).toEqual([])
  await page.hydrate(html, node)
  expect(page.text).toBe('waiting')
  await instance.enter()
  expect([page.text, instance.server.sockets.length]).toEqual(['1', 1])
})

it('refuses to act, or to wait, where there is no connection', async () => {
  let call: Promise<number> | undefined
  const Acting = () => {
    const live = useBackend<Counter>(instance.address, instance.options)
    call = live.actions.add(1)
    live.presence.set(null as never)
    live.on('e', () => {})()
    live.close()
    return null
  }
  renderToString(h(Acting))
  await expect(call).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
  await act(async () => {})
})
