/** The rules of the checkout, the same on the page and on the server. */
export const steps = ['cart', 'contact', 'address', 'payment'] as const
export type Step = (typeof steps)[number]

export const fieldsOfStep = {
  contact: ['name', 'email'],
  address: ['street', 'postcode', 'city', 'country'],
  payment: ['payment', 'notes'],
} as const satisfies Record<Exclude<Step, 'cart'>, readonly string[]>

export const fieldNames = [
  ...fieldsOfStep.contact,
  ...fieldsOfStep.address,
  ...fieldsOfStep.payment,
] as const
export type FieldName = (typeof fieldNames)[number]

export type Address = Record<(typeof fieldsOfStep.address)[number], string>

/** Half-filled is normal: an untouched field is an empty string. */
export type Fields = Record<FieldName, string>

export const fieldCharactersMax = 300
export const paymentMethods = ['invoice', 'transfer', 'cash'] as const

export const emptyFields = (): Fields => ({
  name: '',
  email: '',
  street: '',
  postcode: '',
  city: '',
  country: '',
  payment: '',
  notes: '',
})

/** The fields that still need the visitor before an order can be placed. */
export function missingIn(fields: Fields, names: readonly FieldName[] = fieldNames): FieldName[] {
  return names.filter((name) => !isFilled(name, fields[name]))
}

function isFilled(name: FieldName, value: string): boolean {
  if (name === 'notes') return true
  if (name === 'email') return /^\S+@\S+$/.test(value.trim())
  return value.trim() !== ''
}
