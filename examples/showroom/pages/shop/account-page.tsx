import { LoginForm } from '../shared/login-form.tsx'
import { useVisit } from '../shared/visit.ts'
import { AddressPanel } from './address-panel.tsx'
import { Devices, useDevices } from './devices.tsx'
import { HandOver, useHandOver } from './hand-over.tsx'
import { ShopFrame, type ShopProps } from './shop-frame.tsx'

/** `/shop/account`: the sessions of a user, and what they may change only with a fresh login. */
export function AccountPage() {
  const visit = useVisit()
  return (
    <ShopFrame visit={visit} kind="account-page">
      {(shop) => (
        <>
          <div class="account-title">
            <h1>{shop.words.account.title}</h1>
            <a href="/shop">{shop.words.account.toShop}</a>
          </div>
          {shop.view.user ? (
            <Rooms key={shop.view.user.id} {...shop} />
          ) : (
            <section class="panel">
              <h2>{shop.words.account.lead}</h2>
              <LoginForm visit={visit} words={shop.words.account.login} />
            </section>
          )}
        </>
      )}
    </ShopFrame>
  )
}

function Rooms(shop: ShopProps) {
  const devices = useDevices(shop)
  const handOver = useHandOver(shop, devices)
  return (
    <div class="account-grid" data-user={shop.view.user?.id}>
      <Devices {...shop} devices={devices} />
      <HandOver {...shop} handOver={handOver} />
      <AddressPanel {...shop} />
    </div>
  )
}
