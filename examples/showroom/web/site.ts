/** The built pages and the headers that guard them. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono, type MiddlewareHandler } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import type { SessionVariables } from 'sojourn/hono'
import type { VisitorData } from '../visitor/visitor.ts'

export type Web = { Variables: SessionVariables<VisitorData> }

const dist = fileURLToPath(new URL('../dist', import.meta.url))
const pages = {
  '/': 'index',
  '/shop': 'shop',
  '/shop/account': 'account',
  '/shop/continue': 'continue',
  '/analytics': 'analytics',
  '/board': 'board',
  '/board/:name': 'board',
}

/** No inline script or style, nothing from other servers, no framing. */
export const guard = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'"],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  // Whether the whole domain is https for ever is not for an example to say.
  strictTransportSecurity: false,
  xFrameOptions: 'DENY',
  referrerPolicy: 'same-origin',
})

/** What a session holds belongs into no cache. */
export const uncached: MiddlewareHandler = async (c, next) => {
  await next()
  c.header('cache-control', 'no-store')
}

/** Files whose names carry a hash of their content; they need no session. */
export const assets = serveStatic({
  root: dist,
  onFound: (_, c) => c.header('cache-control', 'public, max-age=31536000, immutable'),
})

export const favicon = serveStatic({ root: dist })

/** Every page, with the theme of the session in its first byte, so that nothing flashes. */
export function sitePages(): Hono<Web> {
  const site = new Hono<Web>()
  for (const [path, name] of Object.entries(pages)) {
    const html = readFileSync(`${dist}/${name}.html`, 'utf8')
    site.get(path, (c) => {
      const session = c.get('session')
      const { theme, language } = session.data
      if (path === '/shop') session.track('shop-seen')
      const lang = path.startsWith('/shop') ? language : 'en'
      return c.html(html.replace(/<html[^>]*>/, `<html lang="${lang}" data-theme="${theme}">`))
    })
  }
  return site
}
