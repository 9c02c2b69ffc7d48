/** The shop: what a visitor did stays, whoever the visitor becomes and whatever happens to the server. */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from './scratch.ts'
import { logIn, openBrowser, openShowroom, type Showroom, shows, tokenOf } from './showroom.ts'

let browser: Browser
let showroom: Showroom
let context: BrowserContext
let page: Page

beforeAll(async () => {
  browser = await openBrowser()
  showroom = await openShowroom()
})
afterAll(async () => {
  await browser.close()
  await showroom.close()
})
beforeEach(async () => {
  context = await browser.newContext()
  page = await context.newPage()
  await page.goto(`${showroom.origin}/shop`)
})
afterEach(() => context.close())

const cart = async () =>
  JSON.parse((await page.locator('[data-cart]').getAttribute('data-cart')) ?? '{}')

async function add(...products: number[]): Promise<void> {
  for (const product of products) {
    const answered = page.waitForResponse(/api\/cart/)
    await page.locator('[data-product] button').nth(product).click()
    await answered
  }
}

async function furnish(): Promise<void> {
  await add(0, 0, 1)
  await page.locator('select[name=theme]').selectOption('dark')
  await page.locator('select[name=language]').selectOption('de')
  await shows(page, 'html', 'lang', 'de')
  await page.locator('.cart button.main').click()
  await page.locator('#field-name').fill('Ada L')
  await page.locator('#field-email').fill('ada@')
  await until(
    async () => (await page.locator('[data-save=saved]').count()) === 1,
    'the fields are saved',
  )
}

async function expectFurnished(): Promise<void> {
  await until(async () => Object.keys(await cart()).length === 2, 'the cart is shown')
  expect(Object.values(await cart()).toSorted()).toEqual([1, 2])
  await shows(page, 'html', 'lang', 'de')
  await shows(page, 'html', 'data-theme', 'dark')
  await shows(page, '.checkout', 'data-step', 'contact')
  expect(await page.locator('#field-name').inputValue()).toBe('Ada L')
  expect(await page.locator('#field-email').inputValue()).toBe('ada@')
}

describe('the shop', () => {
  it('sets no cookie before something is written', async () => {
    expect(await context.cookies()).toEqual([])
    await add(0)
    expect(await tokenOf(context)).toMatch(/^sjs_/)
  })

  it('keeps cart, theme, language and a half-filled form through reload, restart and kill -9', async () => {
    await furnish()
    await page.reload()
    await expectFurnished()
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await showroom.restart(signal)
      await page.reload()
      await expectFurnished()
    }
  })

  it('changes the token at login and logout, takes the cart along in, and nothing out', async () => {
    await furnish()
    const anonymous = await tokenOf(context)
    await logIn(page, 'ada', 'lovelace')
    await shows(page, '[data-user]', 'data-user', 'ada')
    await expectFurnished()
    const loggedIn = await tokenOf(context)
    expect(loggedIn).not.toBe(anonymous)
    await page.locator('.account button.second').click()
    await shows(page, '[data-user]', 'data-user', '')
    expect(await cart()).toEqual({})
    expect(await tokenOf(context)).toBeUndefined()
    const name = `sojourn-dev-${new URL(showroom.origin).port}`
    for (const token of [anonymous, loggedIn]) {
      const answer = await fetch(`${showroom.origin}/api/session`, {
        headers: { cookie: `${name}=${token}` },
      })
      expect(await answer.json()).toMatchObject({ user: null, data: { cart: {}, theme: 'system' } })
      const write = await fetch(`${showroom.origin}/api/cart`, {
        method: 'POST',
        headers: { cookie: `${name}=${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ product: 'mug', delta: 1 }),
      })
      expect(write.status).not.toBe(200)
      expect(write.headers.getSetCookie()).toEqual([])
    }
  })

  it('refuses a wrong password without saying whether the name exists', async () => {
    for (const user of ['ada', 'nobody']) {
      await page.reload()
      await logIn(page, user, 'wrong')
      await until(
        async () => (await page.locator('[data-code=CREDENTIALS_WRONG]').count()) > 0,
        'refused',
      )
    }
  })

  it('lets no token out but in the cookie', async () => {
    const seen: Promise<string>[] = []
    page.on('response', (response) => {
      seen.push(
        response.text().then(
          (text) => response.url() + text,
          () => response.url(),
        ),
      )
    })
    await add(0)
    await logIn(page, 'grace', 'hopper')
    await shows(page, '[data-user]', 'data-user', 'grace')
    await page.goto(`${showroom.origin}/board/lobby`)
    await shows(page, '[data-board]', 'data-status', 'live')
    seen.push(page.content())
    expect((await Promise.all(seen)).join('\n')).not.toContain('sjs_')
    expect(showroom.output()).not.toContain('sjs_')
    expect(await page.evaluate('document.cookie')).toBe('')
  })
})
