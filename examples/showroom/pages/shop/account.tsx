import { LoginForm } from '../shared/login-form.tsx'
import type { ShopProps } from './shop-frame.tsx'

export function Account({ visit, view, words }: ShopProps) {
  const { account } = words
  return (
    <section class="panel account" aria-labelledby="account-title" data-user={view.user?.id ?? ''}>
      <h2 id="account-title">{account.title}</h2>
      {view.user ? (
        <>
          <p>{account.hello(view.user.name)}</p>
          <div class="row">
            <a class="button second" href="/shop/account">
              {account.manage}
            </a>
            <a class="button second" href="/board">
              {account.toBoard}
            </a>
            <button
              type="button"
              class="second"
              onClick={() => void visit.write('POST', '/logout')}
            >
              {account.logout}
            </button>
          </div>
        </>
      ) : (
        <LoginForm visit={visit} words={account.login} />
      )}
    </section>
  )
}
