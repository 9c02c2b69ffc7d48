/** What a session remembers of a visitor, and what its visitor may see of it. */
import type { Session } from 'sojourn'
import { z } from 'zod'
import { productIds, quantityMax } from '../shop/catalog.ts'
import { emptyFields, fieldCharactersMax, fieldNames, steps } from '../shop/checkout.ts'
import { languages, themes } from './preferences.ts'
import type { User } from './users.ts'

export const Visitor = z.object({
  startedAtMs: z.int(),
  theme: z.enum(themes),
  language: z.enum(languages),
  /** Whether the visitor asked to stay logged in; a login again has to say so again. */
  isRemembered: z.boolean().optional(),
  /** Pieces by product: two requests that add different products write different keys. */
  cart: z.partialRecord(z.enum(productIds), z.int().min(1).max(quantityMax)),
  checkout: z.object({
    step: z.enum(steps),
    fields: z.record(z.enum(fieldNames), z.string().max(fieldCharactersMax)),
  }),
})

export type VisitorData = z.infer<typeof Visitor>
export type VisitorSession = Session<VisitorData>

export const newVisitor = (): VisitorData => ({
  startedAtMs: Date.now(),
  theme: 'system',
  language: 'en',
  cart: {},
  checkout: { step: 'cart', fields: emptyFields() },
})

/** What login and hand-over take along; everything else of the session stays behind. */
export const keptAtLogin = ['cart', 'theme', 'language', 'checkout'] as const

/** What is left for the next page of the shop to say. */
export type Message = { readonly kind: 'cart-merged' | 'cart-back'; readonly count: number }

export interface SessionView {
  /**
   * The public handle; the token, which proves the session, never leaves the cookie. Null until
   * something has been written: until then the server stores nothing.
   */
  readonly id: string | null
  /** True while the request found no stored session. */
  readonly isNew: boolean
  readonly user: User | null
  readonly dataBytes: number
  readonly data: VisitorData
}

export function viewOf(session: VisitorSession, user: User | undefined): SessionView {
  const { id, isNew, data } = session
  const dataBytes = Buffer.byteLength(JSON.stringify(data))
  return { id: id ?? null, isNew, user: user ?? null, dataBytes, data }
}
