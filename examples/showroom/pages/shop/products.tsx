import { countOf, priceCents, productIds, quantityMax } from '../../shop/catalog.ts'
import { ProductArt } from './art.tsx'
import { money } from './money.ts'
import type { ShopProps } from './shop-frame.tsx'

export function Products({ visit, view, words }: ShopProps) {
  const { cart, language } = view.data
  return (
    <>
      <div class="shop-title">
        <h1>{words.shop.title}</h1>
        <p class="quiet">{words.shop.tagline}</p>
      </div>
      <a class="button second to-cart" href="#cart-title">
        {words.cart.title} <span class="count">{countOf(cart)}</span>
      </a>
      <ul class="products">
        {productIds.map((product) => {
          const { name, line } = words.products[product]
          return (
            <li key={product} class="product" data-product={product}>
              <ProductArt product={product} />
              <h2>{name}</h2>
              <p class="quiet">{line}</p>
              <div class="product-buy">
                <span class="price">{money(priceCents[product], language)}</span>
                <button
                  type="button"
                  aria-label={`${words.shop.add}: ${name}`}
                  disabled={(cart[product] ?? 0) >= quantityMax}
                  onClick={() => void visit.write('POST', '/cart', { product, delta: 1 })}
                >
                  {words.shop.add}
                </button>
              </div>
            </li>
          )
        })}
      </ul>
    </>
  )
}
