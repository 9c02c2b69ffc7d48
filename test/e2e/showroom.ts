/** The showroom as its visitors meet it: a real server on a scratch folder, a real browser. */
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { freePort, type Running, run, scratchFolder, until } from './scratch.ts'

const showroom = fileURLToPath(new URL('../../examples/showroom/', import.meta.url))

export interface Showroom {
  readonly origin: string
  readonly server: Running
  /** Everything that all its servers printed. */
  output(): string
  /** Ends the server and starts another on the same data folder. */
  restart(signal: NodeJS.Signals): Promise<void>
  close(): Promise<void>
}

export async function openShowroom(env: Record<string, string> = {}): Promise<Showroom> {
  const folder = scratchFolder()
  const port = await freePort()
  const start = (): Promise<Running> =>
    run('server.ts', {
      cwd: showroom,
      env: { INIT_CWD: folder.path, DATA: 'data', PORT: String(port), LOG_LEVEL: 'debug', ...env },
      ready: /Showroom: http/,
    })
  let server = await start()
  let earlier = ''
  return {
    origin: `http://localhost:${port}`,
    get server() {
      return server
    },
    output: () => earlier + server.output(),
    async restart(signal) {
      await server.end(signal)
      earlier += server.output()
      server = await start()
    },
    async close() {
      await server.end()
      folder.remove()
    },
  }
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** The session token of a browser, as only its cookie jar knows it. */
export async function tokenOf(context: BrowserContext): Promise<string | undefined> {
  const cookies = await context.cookies()
  return cookies.find(({ name }) => name.includes('sojourn'))?.value
}

export async function logIn(page: Page, user: string, password: string): Promise<void> {
  await page.locator('form.login input[name=user]').fill(user)
  await page.locator('form.login input[name=password]').fill(password)
  await page.locator('form.login button[type=submit]').click()
}

/** Waits for an attribute that the page shows for tests. */
export async function shows(
  page: Page,
  selector: string,
  attribute: string,
  value: string,
): Promise<void> {
  await until(
    async () => (await page.locator(selector).getAttribute(attribute)) === value,
    `${selector} shows ${attribute}=${value}`,
  )
}
