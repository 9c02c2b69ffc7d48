/** A page of React components over a scripted server, with every render counted. */
import { act, Fragment, createElement as h, type ReactNode } from 'react'
import { createRoot, hydrateRoot, type Root } from 'react-dom/client'
import { track } from '../../src/base/state/index.ts'
import { type VirtualClock, virtualClock } from '../../src/testing/index.ts'
import { ScriptedServer, type ScriptedSocket } from './server.ts'

;(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true

/** As much of the DOM as these tests touch; the project itself is compiled without it. */
interface PageElement {
  innerHTML: string
  readonly textContent: string
  querySelector(selector: string): { click(): void } | null
  append(child: PageElement): void
  remove(): void
}
declare const document: { createElement(name: string): PageElement; readonly body: PageElement }

/** An instance at an address of its own, which no other test shares. */
export class ScriptedInstance<State extends object> {
  static #made = 0
  readonly address = `ws://x/live/b/${++ScriptedInstance.#made}`
  readonly server = new ScriptedServer()
  readonly clock: VirtualClock = virtualClock()
  readonly options = { open: this.server.open, clock: this.clock, random: () => 0.5 }
  readonly tracked: ReturnType<typeof track<State>>

  constructor(state: State) {
    this.tracked = track(state)
  }

  /** Brings the client of the newest socket to the state. */
  async enter(more: object = {}): Promise<ScriptedSocket> {
    const socket = this.server.newest
    await act(async () => {
      socket.open()
      socket.welcome({ epoch: 1, nonce: 'n1', seq: this.tracked.seq }, more)
      socket.hear({ type: 'state', results: [], bytes: this.tracked.snapshot() })
    })
    return socket
  }

  /** One turn of the instance, seen by the client of the newest socket. */
  async turn(change: (state: State) => void): Promise<void> {
    change(this.tracked.state)
    const bytes = this.tracked.flush()
    if (!bytes) throw new Error('nothing changed')
    await act(async () => this.server.newest.hear({ type: 'state', results: [], bytes }))
  }

  /** Waits, as far as the client can tell. */
  async wait(ms: number): Promise<void> {
    await act(async () => this.clock.advance(ms))
  }

  /** Sockets that nobody closed. */
  get socketsOpen(): number {
    return this.server.sockets.filter((socket) => !socket.isClosed).length
  }
}

/** A place in the document; leave it before the next test. */
export class Page {
  readonly element: PageElement = document.createElement('main')
  /** What React could mend by itself. */
  readonly mended: string[] = []
  #root: Root | undefined

  constructor() {
    document.body.append(this.element)
  }

  async show(...nodes: ReactNode[]): Promise<void> {
    this.#root ??= createRoot(this.element)
    await act(async () => this.#root?.render(h(Fragment, null, ...nodes)))
  }

  async hydrate(html: string, node: ReactNode): Promise<void> {
    this.element.innerHTML = html
    await act(async () => {
      this.#root = hydrateRoot(this.element, node, {
        onRecoverableError: (error) => this.mended.push(String(error)),
      })
    })
  }

  get text(): string {
    return this.element.textContent
  }

  /** Clicks the first button. */
  async click(): Promise<void> {
    await act(async () => this.element.querySelector('button')?.click())
  }

  async leave(): Promise<void> {
    await act(async () => this.#root?.unmount())
    this.element.remove()
  }
}
