/** What the shop sells. Names and descriptions are words, so they live with the languages. */
export const productIds = [
  'lantern',
  'teapot',
  'notebook',
  'blanket',
  'mug',
  'clock',
  'plant',
  'key',
] as const

export type ProductId = (typeof productIds)[number]

export const priceCents: Readonly<Record<ProductId, number>> = {
  lantern: 4900,
  teapot: 3800,
  notebook: 1450,
  blanket: 8900,
  mug: 1600,
  clock: 5400,
  plant: 2200,
  key: 900,
}

/** The most pieces of one product in a cart. */
export const quantityMax = 99

export type Cart = Partial<Record<ProductId, number>>

export function itemsOf(cart: Cart): { product: ProductId; quantity: number }[] {
  return productIds
    .map((product) => ({ product, quantity: cart[product] ?? 0 }))
    .filter(({ quantity }) => quantity > 0)
}

export function totalCents(cart: Cart): number {
  return itemsOf(cart).reduce((sum, item) => sum + priceCents[item.product] * item.quantity, 0)
}

/** Counts add up, as far as a cart holds. */
export function mergeCarts(one: Cart, other: Cart): Cart {
  const sums = productIds.map((product): [ProductId, number] => [
    product,
    Math.min((one[product] ?? 0) + (other[product] ?? 0), quantityMax),
  ])
  return Object.fromEntries(sums.filter(([, quantity]) => quantity > 0))
}

export function countOf(cart: Cart): number {
  return itemsOf(cart).reduce((sum, item) => sum + item.quantity, 0)
}
