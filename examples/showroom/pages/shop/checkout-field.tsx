import type { TargetedInputEvent } from 'preact'
import { type FieldName, fieldCharactersMax, paymentMethods } from '../../shop/checkout.ts'
import type { Words } from './words/words.ts'

interface FieldProps {
  readonly name: FieldName
  readonly value: string
  readonly words: Words
  onChange(value: string): void
}

type Entry = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement

const autocomplete: Partial<Record<FieldName, string>> = {
  name: 'name',
  email: 'email',
  street: 'street-address',
  postcode: 'postal-code',
  city: 'address-level2',
  country: 'country-name',
}

export function CheckoutField({ name, value, words, onChange }: FieldProps) {
  const { choose, fields, payments } = words.checkout
  const id = `field-${name}`
  const entry = {
    id,
    name,
    value,
    onInput: ({ currentTarget }: TargetedInputEvent<Entry>) => onChange(currentTarget.value),
  }
  const line = {
    ...entry,
    maxLength: fieldCharactersMax,
    required: true,
    autocomplete: autocomplete[name] ?? 'off',
  }
  return (
    <div class={`field field-${name}`}>
      <label for={id}>{fields[name]}</label>
      {name === 'payment' ? (
        <select {...entry} required={true}>
          <option value="">{choose}</option>
          {paymentMethods.map((method) => (
            <option key={method} value={method}>
              {payments[method]}
            </option>
          ))}
        </select>
      ) : name === 'notes' ? (
        <textarea {...entry} rows={4} maxLength={fieldCharactersMax} />
      ) : name === 'email' ? (
        <input type="email" {...line} />
      ) : (
        <input type="text" {...line} />
      )}
    </div>
  )
}
