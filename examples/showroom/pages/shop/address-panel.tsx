import type { TargetedSubmitEvent } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { type Address, emptyFields, fieldsOfStep } from '../../shop/checkout.ts'
import { CheckoutField } from './checkout-field.tsx'
import type { ShopProps } from './shop-frame.tsx'

type State = 'editing' | 'asking' | 'saved'

/** The address, and the password when the login is too old to change it. */
export function AddressPanel(shop: ShopProps) {
  const { view, words } = shop
  const { address, state, change, save, proveAndSave, cancel } = useAddress(shop)
  return (
    <section class="panel address" aria-labelledby="address-title" data-state={state}>
      <h2 id="address-title">{words.address.title}</h2>
      <p class="quiet">{words.address.note}</p>
      <form
        onSubmit={(event: TargetedSubmitEvent<HTMLFormElement>) => {
          event.preventDefault()
          void save()
        }}
      >
        {fieldsOfStep.address.map((name) => (
          <CheckoutField
            key={name}
            name={name}
            value={address[name]}
            words={words}
            onChange={(value) => change({ ...address, [name]: value })}
          />
        ))}
        {state !== 'asking' && <button type="submit">{words.address.save}</button>}
      </form>
      {state === 'asking' && (
        <PasswordForm
          words={words}
          name={view.user?.name ?? ''}
          onPassword={(password) => void proveAndSave(password)}
          onCancel={cancel}
        />
      )}
      {state === 'saved' && (
        <p class="notice good" role="status">
          {words.address.saved}
        </p>
      )}
    </section>
  )
}

function useAddress({ visit }: ShopProps) {
  const [address, setAddress] = useState<Address>(emptyFields)
  const [state, setState] = useState<State>('editing')
  useEffect(() => {
    void visit.ask<Address | true>('GET', '/account/address').then((known) => {
      if (typeof known === 'object') setAddress(known)
    })
  }, [visit])

  function change(next: Address): void {
    setAddress(next)
    if (state === 'saved') setState('editing')
  }

  async function save(): Promise<void> {
    const { street, postcode, city, country } = address
    const body = { street, postcode, city, country }
    if (await visit.ask('PUT', '/account/address', body)) setState('saved')
    else if (visit.error?.code === 'FRESH_LOGIN_REQUIRED') {
      visit.forgetError()
      setState('asking')
    }
  }

  /** Logs in again, then repeats what was refused. */
  async function proveAndSave(password: string): Promise<void> {
    if (!(await visit.ask('POST', '/login/again', { password }))) return
    await visit.read()
    await save()
  }

  return { address, state, change, save, proveAndSave, cancel: () => setState('editing') }
}

function PasswordForm(props: {
  words: ShopProps['words']
  name: string
  onPassword: (password: string) => void
  onCancel: () => void
}) {
  const { words, name, onPassword, onCancel } = props
  return (
    <form
      class="again"
      onSubmit={(event: TargetedSubmitEvent<HTMLFormElement>) => {
        event.preventDefault()
        onPassword(String(new FormData(event.currentTarget).get('password')))
      }}
    >
      <label>
        {words.address.again(name)}
        <input
          name="password"
          type="password"
          autocomplete="current-password"
          maxLength={200}
          required={true}
          ref={(input) => input?.focus()}
        />
      </label>
      <div class="row">
        <button type="submit">{words.address.confirm}</button>
        <button type="button" class="second" onClick={onCancel}>
          {words.address.cancel}
        </button>
      </div>
    </form>
  )
}
