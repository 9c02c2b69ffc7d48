/** Cart writes in flight while the server is killed: what was answered is there. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { productIds } from '../../examples/showroom/shop/catalog.ts'
import { openShowroom, type Showroom } from './showroom.ts'

let showroom: Showroom
beforeAll(async () => {
  showroom = await openShowroom()
})
afterAll(() => showroom.close())

const json = { 'content-type': 'application/json' }

async function write(cookie: string, product: string): Promise<Response> {
  return fetch(`${showroom.origin}/api/cart`, {
    method: 'POST',
    headers: { ...json, cookie },
    body: JSON.stringify({ product, delta: 1 }),
  })
}

const writersCount = 3

it('keeps every answered cart write through kill -9, again and again', async () => {
  const first = await write('', productIds[0])
  expect(first.status).toBe(200)
  const cookie = first.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  let stored = 1
  for (let round = 0; round < 4; round += 1) {
    let answered = stored
    let killed = false
    const writers = Array.from({ length: writersCount }, async () => {
      while (!killed) {
        // Parallel writes of one product conflict honestly; those of two products must not.
        const product = productIds[Math.floor(Math.random() * productIds.length)] ?? 'mug'
        const answer = await write(cookie, product).catch(() => undefined)
        if (answer?.status === 200) answered += 1
      }
    })
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(answered).toBeGreaterThan(stored)
    const restarted = showroom.restart('SIGKILL')
    killed = true
    await Promise.all([...writers, restarted])
    stored = await stock(cookie)
    expect(stored).toBeGreaterThanOrEqual(answered)
    expect(stored).toBeLessThanOrEqual(answered + writersCount)
  }
})

async function stock(cookie: string): Promise<number> {
  const answer = await fetch(`${showroom.origin}/api/session`, { headers: { cookie } })
  const { data } = (await answer.json()) as { data: { cart: Record<string, number> } }
  return Object.values(data.cart).reduce((sum, count) => sum + count, 0)
}
