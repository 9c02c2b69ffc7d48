/** One shape for everything that the API refuses, its own errors and those of Sojourn. */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { SojournError } from 'sojourn'

const refusals = {
  BODY_INVALID: [422, 'Send the fields that this address names, within their limits.'],
  CREDENTIALS_WRONG: [401, 'Try ada / lovelace, or grace / hopper.'],
  CART_EMPTY: [409, 'Put something into the cart first.'],
  CHECKOUT_INCOMPLETE: [409, 'Fill in the fields that the message names.'],
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

export function answerError(error: Error, c: Context): Response {
  // Hono's own, from its body limit.
  if (error instanceof HTTPException) return error.getResponse()
  const known =
    error instanceof Refusal || error instanceof SojournError
      ? error
      : new SojournError('INTERNAL', undefined, { cause: error })
  const { code, message, hint, retry } = known
  return c.json<ErrorBody>(
    { error: { code, message, hint, retry } },
    known.status as ContentfulStatusCode,
  )
}
