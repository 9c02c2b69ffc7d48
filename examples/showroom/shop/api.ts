/**
 * The shop's side of the API. Every answer leaves after the session is saved: what the page shows
 * is what the next request finds.
 */
import { randomInt } from 'node:crypto'
import { Hono } from 'hono'
import { z } from 'zod'
import type { Accounts } from '../visitor/accounts.ts'
import { userOf } from '../visitor/api.ts'
import type { Users } from '../visitor/users.ts'
import { type VisitorData, type VisitorSession, viewOf } from '../visitor/visitor.ts'
import { readBody } from '../web/body.ts'
import { Refusal } from '../web/refusal.ts'
import type { Web } from '../web/site.ts'
import { countOf, productIds, quantityMax } from './catalog.ts'
import {
  type Address,
  emptyFields,
  type Fields,
  fieldCharactersMax,
  fieldNames,
  fieldsOfStep,
  missingIn,
  paymentMethods,
  steps,
} from './checkout.ts'

const CartChange = z
  .object({ product: z.enum(productIds), delta: z.int().min(-quantityMax).max(quantityMax) })
  .strict()

const CheckoutChange = z
  .object({
    step: z.enum(steps).optional(),
    fields: z
      .partialRecord(z.enum(fieldNames), z.string().max(fieldCharactersMax))
      .refine(({ payment }) => !payment || paymentMethods.some((known) => known === payment))
      .optional(),
  })
  .strict()

export function shopApi({ users, accounts }: { users: Users; accounts: Accounts }): Hono<Web> {
  const api = new Hono<Web>()
  /** For the next login of this user, wherever it is. */
  const saveCart = ({ user, data }: VisitorSession): void => {
    if (user) accounts.saveCart(user.id, data.cart)
  }

  api.post('/cart', async (c) => {
    const { product, delta } = await readBody(c, CartChange)
    const session = c.get('session')
    // Nothing was stored for a visitor who only looked, so this is when their looking counts.
    if (session.isNew) session.track('shop-seen')
    if (delta > 0) session.track('cart-added', { product })
    // A sum reads what it writes: update() runs it again if a parallel request was faster.
    await session.update((data) => {
      const quantity = Math.min((data.cart[product] ?? 0) + delta, quantityMax)
      if (quantity > 0) data.cart[product] = quantity
      else delete data.cart[product]
    })
    saveCart(session)
    return c.json(viewOf(session, userOf(session, users)))
  })

  api.put('/checkout', async (c) => {
    const { step, fields = {} } = await readBody(c, CheckoutChange)
    const session = c.get('session')
    if (step === 'contact' && session.data.checkout.step === 'cart')
      session.track('checkout-started')
    const known = step && session.user && accounts.addressOf(session.user.id)
    await session.update(({ checkout }) => {
      if (known && checkout.step === 'cart') fillAddress(checkout.fields, known)
      if (step) checkout.step = step
      Object.assign(checkout.fields, fields)
    })
    return c.json(viewOf(session, userOf(session, users)))
  })

  api.post('/checkout/order', async (c) => {
    const session = c.get('session')
    // Inside update(), so that of two orders of one cart only one finds it full.
    await session.update(placeOrder)
    session.track('order-placed')
    saveCart(session)
    const order = `S-${randomInt(100_000, 1_000_000)}`
    return c.json({ ...viewOf(session, userOf(session, users)), order })
  })

  return api
}

function placeOrder(data: VisitorData): void {
  if (countOf(data.cart) === 0) throw new Refusal('CART_EMPTY', 'There is nothing in the cart.')
  const missing = missingIn(data.checkout.fields)
  if (missing.length > 0)
    throw new Refusal('CHECKOUT_INCOMPLETE', `Missing: ${missing.join(', ')}.`)
  data.cart = {}
  data.checkout = { step: 'cart', fields: emptyFields() }
}

/** What the visitor typed themselves stays. */
function fillAddress(fields: Fields, address: Address): void {
  if (fieldsOfStep.address.every((name) => fields[name] === '')) Object.assign(fields, address)
}
