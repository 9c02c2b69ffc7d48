import { useEffect, useState } from 'preact/hooks'
import type { SessionView } from '../../visitor/visitor.ts'
import { Header } from '../shared/header.tsx'
import { useVisit, type Visit } from '../shared/visit.ts'
import { Account } from './account.tsx'
import { CartPanel } from './cart-panel.tsx'
import { Checkout } from './checkout.tsx'
import { Preferences } from './preferences.tsx'
import { Products } from './products.tsx'
import { ShopUnderneath } from './shop-underneath.tsx'
import { words as allWords } from './words/languages.ts'
import type { Words } from './words/words.ts'

export interface ShopProps {
  readonly visit: Visit
  readonly view: SessionView
  readonly words: Words
}

export function ShopPage() {
  const visit = useVisit()
  const [order, setOrder] = useState<string>()
  const { view, error } = visit
  const language = view?.data.language ?? 'en'
  const theme = view?.data.theme
  const words = allWords[language]

  useEffect(() => {
    if (!theme) return
    const { documentElement } = document
    documentElement.lang = language
    documentElement.dataset['theme'] = theme
  }, [theme, language])

  if (!view) {
    return (
      <>
        <Header here="/shop" />
        <main class="shop">{error && <p role="alert">{error.message}</p>}</main>
      </>
    )
  }
  const props: ShopProps = { visit, view, words }
  return (
    <>
      <Header here="/shop">
        <Preferences {...props} />
      </Header>
      <main class="shop">
        <div class="shop-main">
          {view.data.checkout.step === 'cart' ? (
            <Products {...props} />
          ) : (
            // Another visitor brings other fields: the form starts anew with them.
            <Checkout key={view.user?.id} {...props} onOrder={setOrder} />
          )}
        </div>
        <aside class="shop-side">
          <CartPanel {...props} />
          <Account {...props} />
          <ShopUnderneath {...props} />
        </aside>
      </main>
      <Notices {...props} order={order} onClose={() => setOrder(undefined)} />
    </>
  )
}

function Notices(props: ShopProps & { order: string | undefined; onClose: () => void }) {
  const { visit, words, order, onClose } = props
  const { error } = visit
  return (
    <div class="notices">
      {order && (
        <div class="notice good" role="status">
          <p>{words.checkout.thanks(order)}</p>
          <button type="button" class="plain" aria-label="OK" onClick={onClose}>
            ×
          </button>
        </div>
      )}
      {error && (
        <div class="notice bad" role="alert" data-code={error.code}>
          <p>{words.errors[error.code] ?? error.message}</p>
          <button type="button" class="plain" aria-label="OK" onClick={() => visit.forgetError()}>
            ×
          </button>
        </div>
      )}
    </div>
  )
}
