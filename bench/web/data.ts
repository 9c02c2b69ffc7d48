/** What the sessions of the bench hold: plain preferences and a cart that grows to the size asked for. */

export interface Bag {
  preferences: { theme: string; language: string; visits: number; [name: string]: unknown }
  cart: { items: unknown[]; coupon: string | null }
  [key: string]: unknown
}

/** A bag whose JSON has at least so many bytes, and hardly more. */
export function bagOf(bytes: number): Bag {
  const bag: Bag = {
    preferences: {
      theme: 'dark',
      language: 'en-GB',
      visits: 1,
      notifications: { mail: true, push: false, weekly: true },
      recent: ['lamps', 'chairs', 'garden'],
    },
    cart: { items: [], coupon: null },
  }
  for (let count = 1; JSON.stringify(bag).length < bytes; count += 1)
    bag.cart.items.push({
      sku: `SKU-${1_000 + count}`,
      name: `Article number ${count}`,
      quantity: (count % 3) + 1,
      priceCents: 995 + count,
      options: { size: 'M', colour: 'blue' },
    })
  return bag
}
