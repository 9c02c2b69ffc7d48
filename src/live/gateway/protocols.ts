/** The subprotocols that a client offers. A ticket travels among them: browsers set no header. */
import type { IncomingMessage } from 'node:http'
import { SojournError } from '../../base/core/index.ts'

const ticketPrefix = 'ticket.'

export interface Offer {
  readonly ticket: string | undefined
  /** The others, in the client's order. One of them has to be the answer. */
  readonly protocols: readonly string[]
}

/** @throws SojournError `REQUEST_MALFORMED` for two tickets, or for one without a protocol beside */
export function offerOf({ headers }: Pick<IncomingMessage, 'headers'>): Offer {
  const all = (headers['sec-websocket-protocol'] ?? '').split(',').map((text) => text.trim())
  const tickets = all.filter(isTicket)
  const protocols = all.filter((text) => text && !isTicket(text))
  const [ticket] = tickets
  // Browsers fail a handshake that chooses none, and a secret is no name to answer with.
  if (tickets.length > 1 || (ticket !== undefined && protocols.length === 0))
    throw new SojournError('REQUEST_MALFORMED', 'A ticket comes alone, beside `sojourn`.')
  return { ticket: ticket?.slice(ticketPrefix.length), protocols }
}

/** What a handshake at the door itself answers. */
export function chosenOf(offered: ReadonlySet<string>): string | false {
  return [...offered].find((text) => !isTicket(text)) ?? false
}

const isTicket = (text: string): boolean => text.startsWith(ticketPrefix)
