import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type Awaitable, type ErrorCode, SojournError, whenDone } from '../../base/core/index.ts'

/**
 * Validates a value from outside with the author's schema and returns what the schema makes of it.
 *
 * Throws, or rejects where the schema is asynchronous, a `SojournError` `code` with the issues in
 * its message.
 */
export function check<Output>(
  schema: StandardSchemaV1<unknown, Output> | undefined,
  value: unknown,
  code: ErrorCode,
): Awaitable<Output> {
  if (!schema) return value as Output
  return whenDone(schema['~standard'].validate(value), (result) => {
    if (!result.issues) return result.value
    throw new SojournError(code, `${sentenceOf(result.issues)}.`)
  })
}

function sentenceOf(issues: readonly StandardSchemaV1.Issue[]): string {
  const sentences = issues.slice(0, 5).map(({ path, message }) => {
    const where = path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return where ? `${where}: ${message}` : message
  })
  return sentences.join('; ')
}
