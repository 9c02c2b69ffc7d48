/** The page's view of the visitor's session, and the way to change it. */
import { useEffect, useState } from 'preact/hooks'
import type { SessionView } from '../../visitor/visitor.ts'
import { ApiError, call, type Method } from './api.ts'

export interface Write {
  readonly request: string
  readonly tookMs: number
}

export class Visit {
  view: SessionView | undefined
  error: ApiError | undefined
  lastWrite: Write | undefined
  #open = 0
  #crossed = false
  /** Writes of a visitor without a session wait here: each would get a session of its own. */
  #first: Promise<unknown> = Promise.resolve()
  readonly #listeners = new Set<() => void>()

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async read(): Promise<void> {
    await this.#guarded(async () => {
      this.view = await call<SessionView>('GET', '/session')
    })
  }

  /** Sends a change; resolves after the session is saved, with `undefined` if it was refused. */
  write<Extra = unknown>(
    method: Method,
    path: string,
    body?: unknown,
  ): Promise<(SessionView & Extra) | true | undefined> {
    if (this.view && this.view.id !== null) return this.#write<Extra>(method, path, body)
    const turn = this.#first.then(() => this.#write<Extra>(method, path, body))
    this.#first = turn
    return turn
  }

  /** Asks for, or changes, what isn't in the session; `undefined` if it was refused. */
  ask<Answer = true>(method: Method, path: string, body?: unknown): Promise<Answer | undefined> {
    return this.#guarded(async () => {
      const answer = await call<Answer>(method, path, body)
      this.error = undefined
      return answer ?? (true as Answer)
    })
  }

  forgetError(): void {
    this.error = undefined
    this.#notify()
  }

  async #write<Extra>(
    method: Method,
    path: string,
    body: unknown,
  ): Promise<(SessionView & Extra) | true | undefined> {
    const sentAtMs = performance.now()
    this.#crossed ||= this.#open > 0
    this.#open += 1
    const done = await this.#guarded(async () => {
      const answer = await call<SessionView & Extra>(method, path, body)
      const tookMs = Math.round(performance.now() - sentAtMs)
      this.lastWrite = { request: `${method} /api${path}`, tookMs }
      this.error = undefined
      if (answer && this.#open === 1 && !this.#crossed) this.view = answer
      return answer ?? true
    })
    this.#open -= 1
    // Answers of parallel writes may arrive in another order than they were saved in, the answer
    // that makes a session leaves before it has a name, and a refusal may mean that it ended.
    const isShown = typeof done === 'object' && done.id !== null && !this.#crossed
    if (this.#open === 0 && !isShown) {
      this.#crossed = false
      await this.read()
    }
    return done
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.error = error
      return undefined
    } finally {
      this.#notify()
    }
  }

  #notify(): void {
    for (const listener of this.#listeners) listener()
  }
}

/** Reads the session once and renders again whenever the visit changes. */
export function useVisit(): Visit {
  const [visit] = useState(() => new Visit())
  useChanges(visit)
  useEffect(() => void visit.read(), [visit])
  return visit
}

/** Renders again whenever the source says that it changed. */
export function useChanges(source: { subscribe(listener: () => void): () => void }): void {
  const [, render] = useState(0)
  useEffect(() => {
    const changed = () => render((count) => count + 1)
    // It may have changed between the rendering and this effect.
    changed()
    return source.subscribe(changed)
  }, [source])
}
