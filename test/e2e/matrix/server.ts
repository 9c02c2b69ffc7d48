/** The server of the matrix test, from the built package: one page, one backend, logins by name. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import { sojourn } from 'sojourn'
import { sessions } from 'sojourn/node'

const [data = '', port = '', pagePort = ''] = process.argv.slice(2)
const origins = [port, pagePort].map((one) => `http://localhost:${one}`)
const app = await sojourn({
  data,
  development: { port: Number(pagePort) },
  origins,
  backends: {
    list: {
      module: new URL('./list.ts', import.meta.url),
      authorize: ({ session }) => session?.user && {},
      // Whoever is active is told of once a second.
      idleAfterMs: 3_000,
      warm: 0,
    },
  },
})

const files: Readonly<Record<string, () => Promise<readonly [type: string, text: string]>>> = {
  '/': async () => ['text/html', await textOf('page.html')],
  '/writer.js': async () => ['text/javascript', stripTypeScriptTypes(await textOf('writer.ts'))],
}
const textOf = (name: string): Promise<string> => readFile(new URL(name, import.meta.url), 'utf8')

const server = createServer(
  sessions(app, async ({ session, url = '' }, response) => {
    const { pathname } = new URL(url, 'http://localhost')
    if (pathname.startsWith('/login/')) await session.login(pathname.slice(7))
    if (pathname === '/logout') await session.logout()
    const [type, text] = (await files[pathname]?.()) ?? ['text/plain', 'done']
    response.setHeader('content-type', type)
    response.end(text)
  }),
)
app.attach(server)
server.listen(Number(port), '127.0.0.1', () => console.log('listening'))

process.once('SIGTERM', async () => {
  server.close()
  await app.close()
  server.closeAllConnections()
})
