/** The headers of a request as node:http shows them: lower-case names, several of one name joined. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>

/** How a token travels in requests. */
export interface TokenCarrier {
  /** Every different text that came in the token's place; empty when there is none. */
  read(headers: HeaderRecord): readonly string[]
  /**
   * The value of a header without the token, `undefined` when nothing else was in it: for requests
   * and answers that are handed on to somebody who must not hold tokens.
   *
   * @param name lower case
   */
  without(name: string, value: string): string | undefined
}

/** The carrier that also brings tokens to the client, and that browsers send by themselves. */
export interface CookieCarrier extends TokenCarrier {
  /**
   * The `Set-Cookie` that hands a token over.
   *
   * @param lifetimeMs how long the browser keeps it; default until it ends
   */
  give(token: string, lifetimeMs?: number): string
  /** The `Set-Cookie` that takes it away again. */
  remove(): string
}

/** The ways a token may come. */
export interface Carriers {
  readonly cookie: CookieCarrier
  /** All headers that are made for tokens. */
  readonly header: TokenCarrier
}

/** A header as one text, `undefined` when it is missing. */
export function headerText(
  headers: HeaderRecord,
  name: string,
  separator = ', ',
): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined
  return typeof value === 'object' ? value.join(separator) : value
}
