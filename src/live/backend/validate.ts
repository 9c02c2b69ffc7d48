import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type ErrorCode, SojournError } from '../../base/core/index.ts'

/**
 * Validates a value from outside with the author's schema and returns what the schema makes of it.
 *
 * @throws SojournError `code` with the issues in its message
 */
export async function check<Output>(
  schema: StandardSchemaV1<unknown, Output> | undefined,
  value: unknown,
  code: ErrorCode,
): Promise<Output> {
  if (!schema) return value as Output
  const result = await schema['~standard'].validate(value)
  if (!result.issues) return result.value
  const issues = result.issues.slice(0, 5).map(({ path, message }) => {
    const where = path?.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return where ? `${where}: ${message}` : message
  })
  throw new SojournError(code, `${issues.join('; ')}.`)
}
