import { useEffect, useState } from 'preact/hooks'
import type { Message } from '../../visitor/visitor.ts'
import { useVisit, type Visit } from '../shared/visit.ts'
import { Account } from './account.tsx'
import { CartPanel } from './cart-panel.tsx'
import { Checkout } from './checkout.tsx'
import { Products } from './products.tsx'
import { ShopFrame } from './shop-frame.tsx'
import { ShopUnderneath } from './shop-underneath.tsx'
import type { Words } from './words/words.ts'

type Said = Message | { readonly kind: 'order'; readonly order: string }

export function ShopPage() {
  const visit = useVisit()
  const [said, setSaid] = useState<readonly Said[]>([])
  const say = (...more: readonly Said[]) => setSaid((before) => [...before, ...more])
  useMessages(visit, say)
  return (
    <ShopFrame
      visit={visit}
      kind="shop"
      notices={(words) =>
        said.map((one) => (
          <div key={one.kind} class="notice good" role="status" data-said={one.kind}>
            <p>{textOf(one, words)}</p>
            <button
              type="button"
              class="plain"
              aria-label="OK"
              onClick={() => setSaid((all) => all.filter((other) => other !== one))}
            >
              ×
            </button>
          </div>
        ))
      }
    >
      {(shop) => (
        <>
          <div class="shop-main">
            {shop.view.data.checkout.step === 'cart' ? (
              <Products {...shop} />
            ) : (
              // Another visitor brings other fields: the form starts anew with them.
              <Checkout
                key={shop.view.user?.id}
                {...shop}
                onOrder={(order) => say({ kind: 'order', order })}
              />
            )}
          </div>
          <aside class="shop-side">
            <CartPanel {...shop} />
            <Account {...shop} />
            <ShopUnderneath {...shop} />
          </aside>
        </>
      )}
    </ShopFrame>
  )
}

function textOf(said: Said, words: Words): string {
  return said.kind === 'order'
    ? words.checkout.thanks(said.order)
    : words.messages[said.kind](said.count)
}

/** A login may have left something to say, here or on another page. */
function useMessages(visit: Visit, say: (...messages: readonly Message[]) => void): void {
  const user = visit.view?.user?.id
  useEffect(() => {
    if (user === undefined) return
    void visit.ask<Message[]>('POST', '/messages').then((messages = []) => say(...messages))
  }, [user])
}
