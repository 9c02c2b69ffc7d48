import type { HTMLAttributes } from 'preact'
import { type FieldName, fieldCharactersMax, paymentMethods } from '../../shop/checkout.ts'
import type { Words } from './words/words.ts'

interface FieldProps {
  readonly name: FieldName
  readonly value: string
  readonly words: Words
  onChange(value: string): void
}

const autocomplete: Partial<Record<FieldName, HTMLAttributes['autocomplete']>> = {
  name: 'name',
  email: 'email',
  street: 'street-address',
  postcode: 'postal-code',
  city: 'address-level2',
  country: 'country-name',
}

export function CheckoutField({ name, value, words, onChange }: FieldProps) {
  const { fields } = words.checkout
  return (
    <label class={`field field-${name}`}>
      {fields[name]}
      {name === 'payment' ? (
        <PaymentChoice value={value} words={words} onChange={onChange} />
      ) : name === 'notes' ? (
        <textarea
          name={name}
          rows={4}
          maxLength={fieldCharactersMax}
          value={value}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      ) : (
        <input
          name={name}
          type={name === 'email' ? 'email' : 'text'}
          autocomplete={autocomplete[name]}
          maxLength={fieldCharactersMax}
          required={true}
          value={value}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      )}
    </label>
  )
}

function PaymentChoice({ value, words, onChange }: Omit<FieldProps, 'name'>) {
  const { choose, payments } = words.checkout
  return (
    <select
      name="payment"
      required={true}
      value={value}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
    >
      <option value="">{choose}</option>
      {paymentMethods.map((method) => (
        <option key={method} value={method}>
          {payments[method]}
        </option>
      ))}
    </select>
  )
}
