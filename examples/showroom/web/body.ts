import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import { answer, Refusal } from './refusal.ts'

/** No request of the showroom needs more. */
const bodyBytesMax = 8 * 1024

export const bodyGuard = bodyLimit({
  maxSize: bodyBytesMax,
  onError: (c) => answer(c, new Refusal('BODY_TOO_LARGE', `More than ${bodyBytesMax} bytes.`)),
})

export async function readBody<Schema extends z.ZodType>(
  c: Context,
  schema: Schema,
): Promise<z.infer<Schema>> {
  // A form of another site can send text, but not this type without asking first (CORS).
  if (!c.req.header('content-type')?.startsWith('application/json')) {
    throw new Refusal('BODY_INVALID', 'Send application/json.')
  }
  const body: unknown = await c.req.json().catch(() => undefined)
  const { success, data, error } = schema.safeParse(body)
  if (!success) throw new Refusal('BODY_INVALID', z.prettifyError(error))
  return data
}
