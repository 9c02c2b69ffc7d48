/** Everything that the shop says, in one shape for all languages. */

import type { ProductId } from '../../../shop/catalog.ts'
import type { FieldName, paymentMethods, Step } from '../../../shop/checkout.ts'
import type { Message } from '../../../visitor/visitor.ts'
import type { LoginWords } from '../../shared/login-form.tsx'
import type { ThemeWords } from '../../shared/theme-select.tsx'

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
    readonly manage: string
    readonly toShop: string
    readonly lead: string
    readonly toBoard: string
    hello(name: string): string
  }
  readonly messages: Readonly<Record<Message['kind'], (count: number) => string>>
  readonly devices: {
    readonly title: string
    readonly this: string
    readonly unknown: string
    readonly handed: string
    readonly end: string
    readonly endOthers: string
    readonly note: string
    since(time: string): string
    last(time: string): string
  }
  readonly address: {
    readonly title: string
    readonly note: string
    readonly save: string
    readonly saved: string
    readonly confirm: string
    readonly cancel: string
    again(name: string): string
  }
  readonly handOver: {
    readonly title: string
    readonly note: string
    readonly make: string
    readonly scan: string
    readonly link: string
    readonly copy: string
    readonly qr: string
    readonly taken: string
    readonly over: string
  }
  readonly goOn: {
    readonly title: string
    readonly visitor: string
    readonly unknown: string
    readonly no: string
    readonly note: string
    readonly missing: string
    asking(name: string, device: string): string
    yes(name: string): string
  }
  readonly preferences: ThemeWords & { readonly language: string }
  /** The link over the head of the page, for keyboards. */
  readonly skip: string
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
