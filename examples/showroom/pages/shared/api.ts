/** Speaks with the server's API. */
import type { ErrorBody } from '../../web/refusal.ts'

/** What the server refused; `code` is the word to recognise it by. */
export class ApiError extends Error {
  readonly code: string
  readonly hint: string
  readonly retry: boolean

  constructor({ code, message, hint, retry }: ErrorBody['error']) {
    super(message)
    this.code = code
    this.hint = hint
    this.retry = retry
  }
}

const offline = {
  code: 'OFFLINE',
  message: 'The server does not answer.',
  hint: 'Check that it runs, then try again.',
  retry: true,
}

export type Method = 'GET' | 'POST' | 'PUT'

/**
 * Resolves with the answer, `undefined` when it has no body. Sends nothing twice: after a logout
 * the second attempt would write into the session of the next visitor.
 *
 * @throws ApiError
 */
export async function call<Answer>(
  method: Method,
  path: string,
  body?: unknown,
): Promise<Answer | undefined> {
  const response = await fetch(`/api${path}`, {
    method,
    // A field typed just before the tab closes still arrives.
    keepalive: method !== 'GET',
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  }).catch(() => {
    throw new ApiError(offline)
  })
  if (response.status === 204) return undefined
  const answer: unknown = await response.json().catch(() => undefined)
  if (response.ok) return answer as Answer
  throw new ApiError(isErrorBody(answer) ? answer.error : offline)
}

function isErrorBody(answer: unknown): answer is ErrorBody {
  return typeof answer === 'object' && answer !== null && 'error' in answer
}
