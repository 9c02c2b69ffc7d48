import type { Context } from 'hono'
import { z } from 'zod'
import { Refusal } from './refusal.ts'

/** No request of the showroom needs more. */
export const bodyBytesMax = 8 * 1024

export async function readBody<Schema extends z.ZodType>(
  c: Context,
  schema: Schema,
): Promise<z.infer<Schema>> {
  const body: unknown = await c.req.json().catch(() => undefined)
  const { success, data, error } = schema.safeParse(body)
  if (!success) throw new Refusal('BODY_INVALID', z.prettifyError(error))
  return data
}
