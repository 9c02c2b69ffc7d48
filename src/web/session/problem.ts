import { type Log, toSojournError } from '../../base/core/index.ts'

/** An answer that stands for an error. */
export interface Problem {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** `{ "error": { code, message, hint, retry } }` */
  readonly body: string
}

/**
 * The answer for an error. What is the server's fault goes to the log, and its details only there:
 * messages of foreign errors may hold anything.
 */
export function problemOf(error: unknown, log: Log): Problem {
  const { code, detail, status, hint, retry } = toSojournError(error)
  const isOurs = status >= 500
  if (isOurs) log.error({ err: error, code }, 'a request failed')
  const message = (isOurs ? undefined : detail) ?? hint
  const body = { error: { code, message, hint, retry } }
  return {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
    body: JSON.stringify(body),
  }
}
