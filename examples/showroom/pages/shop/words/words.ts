/** Everything that the shop says, in one shape for all languages. */

import type { ProductId } from '../../../shop/catalog.ts'
import type { FieldName, paymentMethods, Step } from '../../../shop/checkout.ts'
import type { Theme } from '../../../visitor/preferences.ts'
import type { LoginWords } from '../../shared/login-form.tsx'

export type Payment = (typeof paymentMethods)[number]

export interface Words {
  readonly shop: { readonly title: string; readonly tagline: string; readonly add: string }
  readonly products: Readonly<Record<ProductId, { readonly name: string; readonly line: string }>>
  readonly cart: {
    readonly title: string
    readonly empty: string
    readonly total: string
    readonly checkout: string
    more(name: string): string
    less(name: string): string
  }
  readonly checkout: {
    readonly title: string
    readonly steps: Readonly<Record<Exclude<Step, 'cart'>, string>>
    readonly fields: Readonly<Record<FieldName, string>>
    readonly payments: Readonly<Record<Payment, string>>
    readonly choose: string
    readonly back: string
    readonly next: string
    readonly order: string
    readonly saves: Readonly<Record<'saved' | 'saving' | 'failed', string>>
    thanks(order: string): string
  }
  readonly account: {
    readonly title: string
    readonly login: LoginWords
    readonly logout: string
    readonly toBoard: string
    hello(name: string): string
  }
  readonly preferences: {
    readonly theme: string
    readonly themes: Readonly<Record<Theme, string>>
    readonly language: string
  }
  readonly underneath: {
    readonly title: string
    readonly id: string
    readonly stored: string
    readonly notStored: string
    readonly isStored: string
    readonly user: string
    readonly nobody: string
    readonly since: string
    readonly size: string
    readonly lastWrite: string
    readonly noWrite: string
    readonly note: string
    answered(request: string, tookMs: number): string
  }
  /** By error code; other errors show the server's own words. */
  readonly errors: Readonly<Record<string, string>>
}
