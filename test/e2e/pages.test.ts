/** Every page for everyone: no serious finding of axe, nothing wider than the window, no complaint. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { logIn, openBrowser, openShowroom, type Showroom } from './showroom.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Where to look, and what shows that a page is complete. */
const pages = [
  { path: '/', ready: '.clicks button:enabled' },
  { path: '/shop', ready: '[data-product]' },
  { path: '/shop/account', ready: 'h2' },
  { path: '/shop/continue', ready: '[data-over]' },
  { path: '/board', ready: '.suggestions' },
  { path: '/board/No%20Such', ready: '[role=alert]' },
  { path: '/board/lobby', ready: '[data-status=live] [data-pid]' },
  { path: '/analytics', ready: '.chart canvas' },
] as const

const sizes: Readonly<Record<string, BrowserContextOptions>> = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true },
}
const looks = Object.keys(sizes).flatMap((size) =>
  (['light', 'dark'] as const).flatMap((theme) =>
    (['guest', 'ada'] as const).map((visitor) => ({ size, theme, visitor })),
  ),
)

let browser: Browser
let showroom: Showroom
beforeAll(async () => {
  browser = await openBrowser()
  showroom = await openShowroom()
})
afterAll(async () => {
  await browser.close()
  await showroom.close()
})

/** A page, and what its console complained of: errors of scripts, of the CSP, of requests. */
async function open(options: BrowserContextOptions) {
  const context = await browser.newContext({ ...options, reducedMotion: 'reduce' })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (said) => {
    if (said.type() === 'error' || said.type() === 'warning') complaints.push(said.text())
  })
  return { page, complaints, close: () => context.close() }
}

async function enterAs(page: Page, visitor: 'guest' | 'ada'): Promise<void> {
  if (visitor === 'guest') return
  await page.goto(`${showroom.origin}/shop`)
  await logIn(page, visitor, 'lovelace')
  await page.locator(`[data-user=${visitor}]`).waitFor()
  await page.locator('[data-product=mug] button').click()
  await page.locator('[data-cart-item=mug]').waitFor()
}

interface Finding {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** What axe finds serious or critical. `evaluate` runs beside the page's policy, not through it. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const violations = (await page.evaluate(
    'axe.run().then(({ violations }) => violations)',
  )) as Finding[]
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
    )
}

/** What sticks out to the right, and what is too small for a finger. */
const measure = `(() => {
  const wide = document.documentElement.scrollWidth - innerWidth
  const small = [...document.querySelectorAll('button, select, input, header a, a.button')]
    .map((element) => [element, (element.closest('label') ?? element).getBoundingClientRect()])
    .filter(([, { height, width }]) => height > 0 && (height < 40 || width < 28))
    .map(([element, { height, width }]) => element.outerHTML + ' ' + width + ' x ' + height)
  return { wide: Math.max(0, wide), small }
})()`

describe.each(looks)('on a $size, $theme, to $visitor', ({ size, theme, visitor }) => {
  it('each page is readable, reachable, fits and is silent', { timeout: 90_000 }, async () => {
    const { page, complaints, close } = await open({ ...sizes[size], colorScheme: theme })
    await enterAs(page, visitor)
    for (const { path, ready } of pages) {
      await page.goto(showroom.origin + path)
      await page.locator(ready).first().waitFor()
      expect.soft(await findings(page), path).toEqual([])
      const { wide, small } = (await page.evaluate(measure)) as { wide: number; small: string[] }
      expect.soft(wide, path).toBe(0)
      if (size === 'phone') expect.soft(small, path).toEqual([])
    }
    expect(complaints).toEqual([])
    await close()
  })
})

describe.each(['light', 'dark'] as const)('in bad times, %s', (colorScheme) => {
  it('a room is still readable: its process spared, offline, closed', async () => {
    const { page, close } = await open({ colorScheme })
    await enterAs(page, 'ada')
    await page.goto(`${showroom.origin}/board/${colorScheme}`)
    const press = (name: string) => page.getByRole('button', { name }).click()
    const check = async (status: string) => {
      await page.locator(`[data-status=${status}]`).waitFor()
      expect.soft(await findings(page), status).toEqual([])
    }
    await page.locator('[data-pid]').waitFor()
    // Young as it is, it is spared, and the visitor is told.
    await press('Kill the process')
    await page.locator('.outcome:not(:empty)').waitFor()
    await check('live')
    await press('Go offline')
    await check('stale')
    await press('Go online')
    await check('live')
    await page.request.post(`${showroom.origin}/api/logout`)
    await check('closed')
    await press('Enter again')
    await check('live')
    await close()
  })
})

describe('the keyboard', () => {
  it('skips the head, reaches everything with a ring around it, and is caught nowhere', async () => {
    const { page, close } = await open({})
    await enterAs(page, 'ada')
    for (const { path, ready } of pages) {
      await page.goto(showroom.origin + path)
      await page.locator(ready).first().waitFor()
      await page.keyboard.press('Tab')
      expect(await page.evaluate('document.activeElement.className'), path).toBe('skip')
      const reached = new Set<string>()
      for (let presses = 0; presses < 80; presses += 1) {
        await page.keyboard.press('Tab')
        const { name, hasRing } = (await page.evaluate(focused)) as Focused
        if (name === 'BODY' || name === 'skip') break
        expect.soft(hasRing, `${path}: ${name}`).toBe(true)
        reached.add(name)
      }
      const all = (await page.evaluate(reachable)) as string[]
      expect
        .soft(
          all.filter((name) => !reached.has(name)),
          path,
        )
        .toEqual([])
    }
    await page.goto(`${showroom.origin}/analytics`)
    await page.locator('h1').waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('content')
    await close()
  })
})

interface Focused {
  readonly name: string
  readonly hasRing: boolean
}

const nameOf = `(element) => element.className === 'skip' ? 'skip'
  : (element.tagName === 'BODY' ? 'BODY' : element.outerHTML.slice(0, 120))`

/** What has the focus, and whether it, or the label that stands for it, shows that. */
const focused = `(() => {
  const element = document.activeElement
  const rings = [element, element.closest('label')]
    .map((one) => one && getComputedStyle(one))
    .filter((style) => style && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)
  return { name: (${nameOf})(element), hasRing: rings.length > 0 }
})()`

/** Whatever can be pressed or filled in, but for the radio buttons that arrow keys reach. */
const reachable = `[...document.querySelectorAll('a[href], button:enabled, select, input, [tabindex="0"]')]
  .filter((one) => one.checkVisibility() && (one.type !== 'radio' || one.checked))
  .map(${nameOf})
  .filter((name) => name !== 'skip')`
