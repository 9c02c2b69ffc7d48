import { countOf, itemsOf, priceCents, quantityMax, totalCents } from '../../shop/catalog.ts'
import { money } from './money.ts'
import type { ShopProps } from './shop-frame.tsx'

export function CartPanel({ visit, view, words }: ShopProps) {
  const { cart, language, checkout } = view.data
  const items = itemsOf(cart)
  return (
    <section class="panel cart" aria-labelledby="cart-title" data-cart={JSON.stringify(cart)}>
      <h2 id="cart-title">
        {words.cart.title}
        {items.length > 0 && <span class="count">{countOf(cart)}</span>}
      </h2>
      {items.length === 0 && <p class="quiet">{words.cart.empty}</p>}
      <ul>
        {items.map(({ product, quantity }) => {
          const { name } = words.products[product]
          const change = (delta: number) => () =>
            void visit.write('POST', '/cart', { product, delta })
          return (
            <li key={product} data-cart-item={product}>
              <span class="cart-name">{name}</span>
              <span class="stepper">
                <button type="button" aria-label={words.cart.less(name)} onClick={change(-1)}>
                  −
                </button>
                <output>{quantity}</output>
                <button
                  type="button"
                  aria-label={words.cart.more(name)}
                  disabled={quantity >= quantityMax}
                  onClick={change(1)}
                >
                  +
                </button>
              </span>
              <span class="cart-sum">{money(priceCents[product] * quantity, language)}</span>
            </li>
          )
        })}
      </ul>
      {items.length > 0 && (
        <p class="cart-total">
          <span>{words.cart.total}</span>
          <strong>{money(totalCents(cart), language)}</strong>
        </p>
      )}
      {items.length > 0 && checkout.step === 'cart' && (
        <button
          type="button"
          class="main"
          onClick={() => void visit.write('PUT', '/checkout', { step: 'contact' })}
        >
          {words.cart.checkout}
        </button>
      )}
    </section>
  )
}
