/** What the door itself answers to plain HTTP requests: reasons. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { SojournError } from '../../base/core/index.ts'

const retryAfterSeconds = '1'

/** Answers with an error; cuts an answer that has begun. */
export function answerError(response: ServerResponse, error: SojournError): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const { status, code, detail, hint, retry } = error
  const headers: OutgoingHttpHeaders = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
  }
  if (status === 503) headers['retry-after'] = retryAfterSeconds
  // Where a malformed request ends, others may see otherwise: nothing more is read.
  if (status === 400) headers.connection = 'close'
  response.writeHead(status, headers)
  response.end(JSON.stringify({ error: { code, message: detail ?? hint, hint, retry } }))
}
