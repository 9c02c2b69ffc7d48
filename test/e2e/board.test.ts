/** The board: one process a name, seen by many, killed while they draw. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { livesAtLeastMs } from '../../examples/showroom/rooms/api.ts'
import { instancesOf, isAlive, until } from './scratch.ts'
import { logIn, openBrowser, openShowroom, type Showroom, shows } from './showroom.ts'

let browser: Browser
let showroom: Showroom
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())
beforeEach(async () => {
  showroom = await openShowroom()
})
afterEach(() => showroom.close())

async function visit(name: string, user?: 'ada' | 'grace'): Promise<Page> {
  const page = await (await browser.newContext()).newPage()
  await page.goto(`${showroom.origin}/board/${name}`)
  if (user) {
    await logIn(page, user, user === 'ada' ? 'lovelace' : 'hopper')
    await shows(page, '[data-board]', 'data-role', 'editor')
  }
  await shows(page, '[data-board]', 'data-status', 'live')
  return page
}

const instances = () => instancesOf(showroom.server.pid)

/** `window.board` of the page, as far as it is used here. */
interface WindowBoard {
  strokes(): readonly Drawn[]
  acknowledged(): readonly Drawn[]
}

interface Drawn {
  readonly id: string
  readonly points: readonly number[]
}

const strokes = (page: Page): Promise<Drawn[]> =>
  page.evaluate(() => {
    const { board } = globalThis as unknown as { board: WindowBoard }
    return board.strokes().map(({ id, points }) => ({ id, points: [...points] }))
  })
const acknowledged = (page: Page): Promise<Drawn[]> =>
  page.evaluate(() => {
    const { board } = globalThis as unknown as { board: WindowBoard }
    return board.acknowledged().map(({ id, points }) => ({ id, points: [...points] }))
  })

/** Draws wavy lines with the mouse, as a hand would. */
async function draw(page: Page, count: number, top: number): Promise<void> {
  const box = await page.locator('canvas').boundingBox()
  if (!box) throw new Error('The canvas is not there')
  for (let line = 0; line < count; line += 1) {
    const y = box.y + box.height * (top + (0.4 * line) / count)
    await page.mouse.move(box.x + 20, y)
    await page.mouse.down()
    for (let step = 1; step <= 8; step += 1) {
      await page.mouse.move(box.x + 20 + (step * box.width) / 10, y + 6 * Math.sin(step))
    }
    await page.mouse.up()
  }
}

const byId = (drawn: Drawn[]) => drawn.toSorted((a, b) => (a.id < b.id ? -1 : 1))

describe('the board', () => {
  it('shows strokes and named cursors to the other at once', async () => {
    const [ada, grace] = [await visit('lobby', 'ada'), await visit('lobby', 'grace')]
    await draw(ada, 1, 0.2)
    await until(async () => (await strokes(grace)).length === 1, 'the stroke arrives')
    await until(
      async () => (await grace.locator('[data-cursor=Ada]').count()) === 1,
      'the cursor arrives',
    )
    expect(await strokes(grace)).toEqual(await strokes(ada))
  })

  it('loses and doubles no acknowledged stroke when its process is killed while both draw', async () => {
    const [ada, grace] = [await visit('lobby', 'ada'), await visit('lobby', 'grace')]
    const [first] = instances()
    const drawing = Promise.all([draw(ada, 12, 0.05), draw(grace, 12, 0.5)])
    await until(async () => (await acknowledged(ada)).length >= 3, 'some strokes are acknowledged')
    process.kill(first?.pid ?? 0, 'SIGKILL')
    await drawing
    for (const page of [ada, grace]) {
      await until(
        async () => (await acknowledged(page)).length === 12,
        'all strokes are acknowledged',
      )
      await shows(page, '[data-board]', 'data-strokes', '24')
    }
    const [ofAda, ofGrace] = [await acknowledged(ada), await acknowledged(grace)]
    expect(byId(await strokes(ada))).toEqual(byId([...ofAda, ...ofGrace]))
    expect(await strokes(grace)).toEqual(await strokes(ada))
    // The one that took over, and the next that is kept warm.
    await until(() => instances().length === 2, 'two processes')
    expect(instances().map(({ pid }) => pid)).not.toContain(first?.pid)
  })

  it('lets a visitor kill the process from the page, and only the one that serves the room', async () => {
    const [ada, guest] = [await visit('lobby', 'ada'), await visit('lobby')]
    await draw(ada, 2, 0.2)
    await shows(guest, '[data-board]', 'data-strokes', '2')
    const pidOf = () => guest.locator('[data-pid]').getAttribute('data-pid')
    const first = Number(await pidOf())
    expect(instances().map(({ pid }) => pid)).toContain(first)
    const kill = (room: string, pid: number) =>
      guest.request.post(`${showroom.origin}/api/rooms/${room}/kill`, { data: { pid } })
    const codeOf = async (room: string, pid: number) =>
      ((await (await kill(room, pid)).json()) as { error: { code: string } }).error.code
    expect(await codeOf('board/lobby', process.pid)).toBe('PROCESS_GONE')
    expect(await codeOf('board/garden', first)).toBe('PROCESS_GONE')
    expect(await codeOf('board/Not+Allowed', first)).toBe('ROOM_REFUSED')
    expect(await codeOf('constructor/lobby', first)).toBe('ADDRESS_UNKNOWN')
    expect((await guest.request.get(`${showroom.origin}/api/rooms/board/No`)).status()).toBe(403)
    const hasLived = async (): Promise<boolean> => {
      const answer = await guest.request.get(`${showroom.origin}/api/rooms/board/lobby`)
      const { startedAtMs } = (await answer.json()) as { startedAtMs: number }
      return Date.now() - startedAtMs >= livesAtLeastMs
    }
    await until(hasLived, 'it is old enough to be killed')
    await guest.getByRole('button', { name: 'Kill the process' }).click()
    await until(() => !isAlive(first), 'it dies')
    await until(async () => Number(await pidOf()) !== first, 'another process is named')
    expect(await codeOf('board/lobby', first)).toBe('PROCESS_GONE')
    for (const page of [ada, guest]) {
      await shows(page, '[data-board]', 'data-status', 'live')
      expect(await strokes(page)).toHaveLength(2)
    }
    expect(await guest.locator('.outcome').textContent()).toContain(`Process ${first} is dead.`)
  })

  it('lets a visitor who is not logged in watch, not draw', async () => {
    const [ada, guest] = [await visit('lobby', 'ada'), await visit('lobby')]
    await draw(ada, 1, 0.2)
    await shows(guest, '[data-board]', 'data-strokes', '1')
    await draw(guest, 1, 0.5)
    // What the page does not offer, a curious visitor tries from the console.
    const refused = await guest.evaluate(`import('/live/client.js').then(async ({ connect }) => {
      const live = connect('/live/board/lobby')
      const code = await live.actions.clear().catch((error) => error.code)
      live.close()
      return code
    })`)
    expect(refused).toBe('FORBIDDEN')
    expect(await strokes(ada)).toHaveLength(1)
  })

  it('closes the live connection at logout, in every tab', async () => {
    const ada = await visit('lobby', 'ada')
    const other = await ada.context().newPage()
    await other.goto(`${showroom.origin}/shop`)
    await other.locator('.account button.second').click()
    await shows(ada, '[data-board]', 'data-status', 'closed')
    expect(await ada.locator('[data-code]').first().getAttribute('data-code')).toBe('SESSION_ENDED')
  })

  it('runs one process per open board, and leaves none behind', async () => {
    const pages = [await visit('lobby', 'ada'), await visit('lobby'), await visit('garden')]
    await until(() => instances().length === 3, 'two boards, two processes, and one kept warm')
    const pids = [...instances(), { pid: showroom.server.pid }].map(({ pid }) => pid)
    await showroom.server.end('SIGKILL')
    await until(() => !pids.some(isAlive), 'nobody survives the server')
    for (const page of pages) await page.context().close()
  })
})
