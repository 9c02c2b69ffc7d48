/** A view without a connection: what a server renders, and a page until it is hydrated. */
import { SojournError } from '../base/core/index.ts'
import type { BackendType, Live } from './types.ts'

const nothing = (): void => {}

async function refuse(): Promise<never> {
  throw new SojournError('CONNECTION_CLOSED', 'A server renders without a connection.')
}

const view: Live<BackendType> = {
  state: undefined,
  status: 'connecting',
  error: undefined,
  actions: new Proxy({}, { get: () => refuse }),
  presence: { others: [], set: nothing },
  subscribe: () => nothing,
  on: () => nothing,
  close: nothing,
}

export function unconnected<B extends BackendType>(): Live<B> {
  return view as unknown as Live<B>
}
