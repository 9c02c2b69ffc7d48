/** What visits were like in the last 24 hours. A real shop shows this to its own people only. */
import { Hono } from 'hono'
import type { Analytics, Figures, FunnelStep } from 'sojourn'
import type { Web } from '../web/site.ts'

const hourMs = 3600e3
const hoursShown = 24

/** The way through the shop. */
const steps = ['shop-seen', 'cart-added', 'checkout-started', 'order-placed'] as const

export interface Report extends Figures {
  readonly funnel: readonly FunnelStep[]
}

export function analyticsApi(analytics: Analytics): Hono<Web> {
  return new Hono<Web>().get('/analytics', async (c) => {
    const to = Date.now() + 1
    const from = (Math.floor(to / hourMs) - hoursShown + 1) * hourMs
    const [figures, funnel] = await Promise.all([
      analytics.figures({ from, to }),
      analytics.funnel(steps, { from, to }),
    ])
    return c.json<Report>({ ...figures, funnel })
  })
}
