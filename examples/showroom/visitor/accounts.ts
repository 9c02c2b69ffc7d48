/** What the showroom keeps of a user beyond sessions: the last cart, and where parcels go. */
import { DatabaseSync } from 'node:sqlite'
import type { Cart } from '../shop/catalog.ts'
import type { Address } from '../shop/checkout.ts'

export interface Accounts {
  /** The cart of the session of this user that changed last. */
  cartOf(user: string): Cart
  saveCart(user: string, cart: Cart): void
  addressOf(user: string): Address | undefined
  saveAddress(user: string, address: Address): void
  close(): void
}

/** @param file its folder exists */
export function openAccounts(file: string): Accounts {
  const db = new DatabaseSync(file)
  db.exec(`CREATE TABLE IF NOT EXISTS accounts (
    user TEXT NOT NULL, part TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (user, part)
  ) STRICT`)
  const read = db.prepare('SELECT value FROM accounts WHERE user = ? AND part = ?')
  const write = db.prepare('INSERT OR REPLACE INTO accounts (user, part, value) VALUES (?, ?, ?)')
  const get = (user: string, part: string): unknown => {
    const row = read.get(user, part)
    return row && JSON.parse(String(row['value']))
  }
  const set = (user: string, part: string, value: object): void => {
    write.run(user, part, JSON.stringify(value))
  }
  return {
    cartOf: (user) => (get(user, 'cart') ?? {}) as Cart,
    saveCart: (user, cart) => set(user, 'cart', cart),
    addressOf: (user) => get(user, 'address') as Address | undefined,
    saveAddress: (user, address) => set(user, 'address', address),
    close: () => db.close(),
  }
}
