import { describe, expect, it } from 'vitest'
import { ScriptedServer } from '../../test/fakes/server.ts'
import { track } from '../base/state/index.ts'
import { virtualClock } from '../testing/index.ts'
import { sharedView } from './shared.ts'

let made = 0
/** An address that nobody else uses, and who answers there. */
function somewhere() {
  const server = new ScriptedServer()
  const clock = virtualClock()
  const address = `ws://x/live/shared/${++made}`
  const options = { open: server.open, clock, random: () => 0.5 }
  const view = (visitor?: string) => sharedView(address, { ...options, visitor })
  const enter = () => {
    const { newest } = server
    newest.open()
    newest.welcome({ epoch: 1, nonce: 'n', seq: 0 })
    newest.hear({ type: 'state', results: [], bytes: track({}).snapshot() })
  }
  return { server, clock, view, enter }
}

describe('a shared view', () => {
  it('is one connection for all who hold it, until a second after the last', () => {
    const { server, clock, view } = somewhere()
    const [one, two] = [view().hold(), view().hold()]
    expect(view().live).toBe(view().live)
    one()
    clock.advance(60_000)
    expect(view().live.status).toBe('connecting')
    two()
    clock.advance(999)
    const { live } = view()
    expect(live.status).not.toBe('closed')
    clock.advance(1)
    expect(live.status).toBe('closed')
    expect(server.newest.isClosed).toBe(true)
    expect(view().live).not.toBe(live)
  })

  it('waits half a minute for its first holder', () => {
    const { clock, view } = somewhere()
    const { live } = view()
    clock.advance(29_999)
    expect(view().live).toBe(live)
    clock.advance(1)
    expect(live.status).toBe('closed')
  })

  it('is the same for who comes back in between', () => {
    const { server, clock, view } = somewhere()
    const first = view()
    first.hold()()
    clock.advance(500)
    const leave = view().hold()
    clock.advance(5_000)
    expect(view()).toBe(first)
    expect(first.live.status).not.toBe('closed')
    expect(server.sockets.length).toBe(1)
    leave()
  })

  it('is another one for another visitor', () => {
    const { server, view } = somewhere()
    expect(view('ada')).toBe(view('ada'))
    expect(new Set([view(), view(''), view('ada'), view('bob')]).size).toBe(4)
    expect(server.sockets.length).toBe(4)
  })

  it('begins anew after it was closed, but keeps the error while somebody looks', () => {
    const { server, view } = somewhere()
    const first = view()
    const leave = first.hold()
    server.newest.lose('FORBIDDEN')
    expect(view()).toBe(first)
    expect(first.live.error?.code).toBe('FORBIDDEN')
    leave()
    expect(view()).not.toBe(first)
  })

  it('shows for a second what closed it before anyone came', () => {
    const { server, clock, view } = somewhere()
    const first = view()
    server.newest.lose('FORBIDDEN')
    clock.advance(999)
    expect(view()).toBe(first)
    clock.advance(1)
    expect(view()).not.toBe(first)
  })

  it('tells of its arrival: a state, or the end of all hope', async () => {
    const [one, two, three] = [somewhere(), somewhere(), somewhere()]
    const arrived: number[] = []
    for (const [index, { view }] of [one, two, three].entries())
      view().arrival.then(() => arrived.push(index))
    two.server.newest.lose('FORBIDDEN')
    await Promise.resolve()
    expect(arrived).toEqual([1])
    one.enter()
    await Promise.resolve()
    expect(arrived).toEqual([1, 0])
    three.clock.advance(30_000)
    await Promise.resolve()
    expect(arrived).toEqual([1, 0, 2])
  })

  it('refuses what is no address, and remembers nothing of it', () => {
    const open = () => sharedView('ws://', {})
    expect(open).toThrow(TypeError)
    expect(open).toThrow(TypeError)
  })
})
