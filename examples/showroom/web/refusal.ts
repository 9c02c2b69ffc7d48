/** What the API refuses by itself, in the shape in which Sojourn refuses. */
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

const refusals = {
  BODY_TOO_LARGE: [413, 'No address of the showroom needs so much.'],
  BODY_INVALID: [422, 'Send the fields that this address names, within their limits.'],
  CREDENTIALS_WRONG: [401, 'Try ada / lovelace, or grace / hopper.'],
  LOGIN_NEEDED: [401, 'Log in, then try again.'],
  DEVICE_UNKNOWN: [404, 'It may have ended meanwhile; read the list again.'],
  CART_EMPTY: [409, 'Put something into the cart first.'],
  CHECKOUT_INCOMPLETE: [409, 'Fill in the fields that the message names.'],
  ROOM_REFUSED: [403, 'Log in, or choose another room.'],
  PROCESS_GONE: [409, 'Another one has taken over, or will as soon as somebody needs it.'],
  PROCESS_YOUNG: [409, 'Try again in three seconds.'],
  ADDRESS_UNKNOWN: [404, 'See the list of addresses in the README of the showroom.'],
} as const satisfies Record<string, readonly [ContentfulStatusCode, string]>

export interface ErrorBody {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly hint: string
    readonly retry: boolean
  }
}

export class Refusal extends Error {
  readonly code: keyof typeof refusals
  readonly retry = false

  constructor(code: keyof typeof refusals, message: string) {
    super(message)
    this.code = code
  }
  get status(): ContentfulStatusCode {
    return refusals[this.code][0]
  }
  get hint(): string {
    return refusals[this.code][1]
  }
}

export function answer(c: Context, { code, status, message, hint, retry }: Refusal): Response {
  return c.json<ErrorBody>({ error: { code, message, hint, retry } }, status)
}
