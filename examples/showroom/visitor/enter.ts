import { type Cart, countOf, mergeCarts } from '../shop/catalog.ts'
import type { Accounts } from './accounts.ts'
import type { Message, VisitorSession } from './visitor.ts'

/** After a login or a take-over: another cart joins that of the session, and the shop says so. */
export async function enterWithCart(
  session: VisitorSession,
  accounts: Accounts,
  other: Cart,
): Promise<void> {
  const { cart } = session.data
  const merged = mergeCarts(cart, other)
  if (countOf(other) > 0) {
    const kind = countOf(cart) > 0 ? 'cart-merged' : 'cart-back'
    session.data.cart = merged
    session.flash('message', { kind, count: countOf(merged) } satisfies Message)
  }
  // First the session, then the account: if the login fails, nothing is counted twice.
  await session.commit()
  if (session.user) accounts.saveCart(session.user.id, merged)
}
