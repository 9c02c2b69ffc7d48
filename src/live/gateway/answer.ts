/** What the door says to plain HTTP requests: it has nothing for them but reasons. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { SojournError, toSojournError } from '../../base/core/index.ts'
import { instanceOf } from './request.ts'

/** Answers a request below `/live/` that is no upgrade. */
export function answerPlainly(
  request: IncomingMessage,
  response: ServerResponse,
  isBackend: (name: string) => boolean,
): void {
  answerError(response, refusalOf(request, isBackend))
}

/** Answers with a code of the table. */
export function answerError(response: ServerResponse, error: SojournError): void {
  const { status, code, detail, hint, retry } = error
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify({ error: { code, message: detail ?? hint, hint, retry } }))
}

function refusalOf(request: IncomingMessage, isBackend: (name: string) => boolean): SojournError {
  try {
    instanceOf(request, isBackend)
    return new SojournError('UPGRADE_REQUIRED')
  } catch (error) {
    return toSojournError(error)
  }
}
