/** The account and the figures: one user in two browsers, and what the shop says about its visits. */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from './scratch.ts'
import { logIn, openBrowser, openShowroom, type Showroom, shows, tokenOf } from './showroom.ts'

let browser: Browser
let showroom: Showroom
let contexts: BrowserContext[]
/** Everything that the browsers asked for. */
let addresses: string[]

beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())
beforeEach(async () => {
  contexts = []
  addresses = []
  showroom = await openShowroom({ FRESH_SECONDS: '4', LOG_LEVEL: 'trace' })
})
afterEach(async () => {
  for (const context of contexts) await context.close()
  await showroom.close()
})

/** A page of a browser of its own. */
async function enter(path: string): Promise<Page> {
  const context = await browser.newContext()
  contexts.push(context)
  const page = await context.newPage()
  page.on('request', (request) => addresses.push(request.url()))
  await page.goto(showroom.origin + path)
  return page
}

async function enterAs(user: 'ada' | 'grace', path: string): Promise<Page> {
  const page = await enter(path)
  await logIn(page, user, user === 'ada' ? 'lovelace' : 'hopper')
  await shows(page, '[data-user]', 'data-user', user)
  return page
}

async function add(page: Page, ...products: string[]): Promise<void> {
  for (const product of products) {
    const answered = page.waitForResponse(/api\/cart/)
    await page.locator(`[data-product=${product}] button`).click()
    await answered
  }
}

const showsCart = (page: Page, cart: object) =>
  shows(page, '[data-cart]', 'data-cart', JSON.stringify(cart))

/** What the API answers to this browser. */
async function ask(page: Page, path: string): Promise<unknown> {
  return (await page.request.get(`${showroom.origin}/api${path}`)).json()
}

describe('the devices of a user', () => {
  it('are listed, and ending one logs it out', async () => {
    const one = await enterAs('ada', '/shop/account')
    await shows(one, '[data-devices]', 'data-devices', '1')
    const two = await enterAs('ada', '/shop/account')
    await shows(two, '[data-devices]', 'data-devices', '2')
    expect(await two.locator('[data-this=true] .tag').count()).toBe(1)
    expect(await two.locator('[data-this=true] button').count()).toBe(0)
    await two.locator('[data-this=false] button').click()
    await shows(two, '[data-devices]', 'data-devices', '1')
    await one.reload()
    await one.locator('form.login').waitFor()
    expect(await ask(one, '/account/devices')).toMatchObject({ error: { code: 'LOGIN_NEEDED' } })
    await shows(two, '[data-user]', 'data-user', 'ada')
  })

  it('can be ended all but this one, and nobody ends those of others', async () => {
    const grace = await enterAs('grace', '/shop/account')
    const [id] = (await ask(grace, '/account/devices')) as { id: string }[]
    const others = [await enterAs('ada', '/shop/account'), await enterAs('ada', '/shop/account')]
    const ada = await enterAs('ada', '/shop/account')
    const foreign = await ada.request.post(`${showroom.origin}/api/account/devices/end`, {
      data: id,
    })
    expect(await foreign.json()).toMatchObject({ error: { code: 'DEVICE_UNKNOWN' } })
    await shows(ada, '[data-devices]', 'data-devices', '3')
    await ada.locator('.end-others').click()
    await shows(ada, '[data-devices]', 'data-devices', '1')
    for (const other of others) {
      expect(await ask(other, '/session')).toMatchObject({ user: null })
    }
    expect(await ask(grace, '/session')).toMatchObject({ user: { id: 'grace' } })
  })
})

describe('the delivery address', () => {
  const home = { street: '1 Quiet Lane', postcode: '12345', city: 'Stayton', country: 'Islandia' }
  const type = async (page: Page) => {
    for (const [name, text] of Object.entries(home)) await page.locator(`#field-${name}`).fill(text)
  }
  const save = (page: Page) => page.locator('.address form button').first().click()
  const state = (page: Page, value: string) => shows(page, '.address', 'data-state', value)

  it('changes after a fresh login, and asks for the password after an old one', async () => {
    const page = await enterAs('ada', '/shop/account')
    const before = await tokenOf(contexts[0]!)
    await until(async () => {
      const answer = await page.request.put(`${showroom.origin}/api/account/address`, {
        data: { ...home, city: 'Elsewhere' },
      })
      const { error } = (await answer.json()) as { error?: { code: string } }
      return error?.code === 'FRESH_LOGIN_REQUIRED'
    }, 'the login is old')
    await type(page)
    await save(page)
    await state(page, 'asking')
    await page.locator('.again input').fill('wrong')
    await page.locator('.again button[type=submit]').click()
    await page.locator('[data-code=CREDENTIALS_WRONG]').waitFor()
    await page.locator('.again input').fill('lovelace')
    await page.locator('.again button[type=submit]').click()
    await state(page, 'saved')
    expect(await ask(page, '/account/address')).toEqual(home)
    expect(await tokenOf(contexts[0]!)).not.toBe(before)
    await page.goto(`${showroom.origin}/shop`)
    await add(page, 'mug')
    await page.locator('.cart button.main').click()
    await shows(page, '.checkout', 'data-step', 'contact')
    expect(await ask(page, '/session')).toMatchObject({ data: { checkout: { fields: home } } })
  })
})

describe('a hand-over', () => {
  it('goes on in a second browser, once, and its code is seen nowhere', async () => {
    const one = await enterAs('ada', '/shop')
    await one.locator('select[name=theme]').selectOption('dark')
    await one.locator('select[name=language]').selectOption('fr')
    await shows(one, 'html', 'lang', 'fr')
    await add(one, 'clock')
    await one.goto(`${showroom.origin}/shop/account`)
    await one.locator('.hand-over button').click()
    await one.locator('svg.qr').waitFor()
    const link = (await one.locator('.go-on').getAttribute('href'))!
    const code = link.split('#code=')[1]!
    expect(code).toMatch(/^sjc_/)

    const two = await enter('/shop')
    await add(two, 'mug')
    // Looking uses nothing up, and leaves no code in the address; nor does a link in an open page.
    for (const before of ['/', '/', '/shop/continue']) {
      await two.goto(showroom.origin + before)
      await two.goto(link)
      await shows(two, '[data-offered]', 'data-offered', 'ada')
      expect(await ask(two, '/session')).toMatchObject({ user: null })
      await until(() => two.url() === `${showroom.origin}/shop/continue`, 'the address is clean')
    }
    await two.locator('.question button').click()
    await two.waitForURL(`${showroom.origin}/shop`)
    await shows(two, '[data-user]', 'data-user', 'ada')
    await showsCart(two, { mug: 1, clock: 1 })
    await shows(two, 'html', 'lang', 'fr')
    await shows(two, 'html', 'data-theme', 'dark')
    await shows(one, '.hand-over', 'data-state', 'taken')
    expect(await one.locator('.devices .tag.cool').count()).toBe(1)

    const three = await enter(`/shop/continue#code=${code}`)
    await shows(three, '.question', 'data-over', 'true')
    expect(await three.locator('[data-code=HANDOVER_INVALID]').count()).toBe(1)
    const said = [...addresses, showroom.output()]
    for (const page of [one, two, three]) said.push(page.url(), await page.content())
    expect(said.join('\n')).not.toMatch(/sj[cs]_/)
  })
})

describe('the cart', () => {
  it('of a login before joins that of the visitor who logs in, and the shop says so', async () => {
    const one = await enterAs('ada', '/shop')
    await add(one, 'mug', 'mug', 'key')
    const two = await enter('/shop')
    await add(two, 'mug', 'teapot')
    await logIn(two, 'ada', 'lovelace')
    await two.locator('[data-said=cart-merged]').waitFor()
    await showsCart(two, { teapot: 1, mug: 3, key: 1 })
    await two.reload()
    await showsCart(two, { teapot: 1, mug: 3, key: 1 })
    expect(await two.locator('[data-said]').count()).toBe(0)
    await two.locator('.account button.second').click()
    await shows(two, '[data-user]', 'data-user', '')
    await logIn(two, 'ada', 'lovelace')
    await two.locator('[data-said=cart-back]').waitFor()
    await showsCart(two, { teapot: 1, mug: 3, key: 1 })
  })
})

describe('a login', () => {
  it('is remembered by the browser for those who ask for it', async () => {
    const expiryOf = async (page: Page) => (await page.context().cookies())[0]?.expires ?? 0
    const short = await enterAs('grace', '/shop')
    expect(await expiryOf(short)).toBe(-1)
    const long = await enter('/shop')
    await long.locator('input[name=remember]').check()
    await logIn(long, 'grace', 'hopper')
    await shows(long, '[data-user]', 'data-user', 'grace')
    const days = (await expiryOf(long)) / 86_400 - Date.now() / 86_400e3
    expect(Math.round(days)).toBe(30)
    const answer = await long.request.post(`${showroom.origin}/api/login/again`, {
      data: { password: 'hopper' },
    })
    expect(answer.status()).toBe(204)
    expect(await expiryOf(long)).toBeGreaterThan(0)
  })
})

describe('the figures', () => {
  it('rise by themselves with what visitors do', async () => {
    const watcher = await enter('/analytics')
    const funnel = (...counts: number[]) =>
      shows(watcher, '.analytics', 'data-funnel', JSON.stringify(counts))
    await funnel(0, 0, 0, 0)
    const one = await enter('/shop')
    await add(one, 'lantern')
    await funnel(1, 1, 0, 0)
    await shows(watcher, '.analytics', 'data-sessions', '1')
    await shows(watcher, '.analytics', 'data-active', '1')
    await logIn(one, 'ada', 'lovelace')
    // What is asked with the token from before a login is refused (`SESSION_ROTATED`).
    await shows(one, '[data-user]', 'data-user', 'ada')
    await one.locator('.cart button.main').click()
    await shows(one, '.checkout', 'data-step', 'contact')
    const two = await enter('/shop')
    await add(two, 'key')
    await funnel(2, 2, 1, 0)
    const fields = { name: 'Ada', email: 'a@b.example', street: '1', postcode: '1' }
    const rest = { city: 'C', country: 'D', payment: 'invoice' }
    await one.request.put(`${showroom.origin}/api/checkout`, {
      data: { step: 'payment', fields: { ...fields, ...rest } },
    })
    await one.reload()
    await one.locator('.checkout button.main').click()
    await one.locator('[data-said=order]').waitFor()
    await funnel(2, 2, 1, 1)
    expect(await watcher.locator('.chart canvas').count()).toBe(1)
    // Looking at figures is no visit, and neither is looking at the shop.
    await enter('/shop')
    await watcher.reload()
    await shows(watcher, '.analytics', 'data-sessions', '2')
    expect(await watcher.context().cookies()).toEqual([])
  })
})
