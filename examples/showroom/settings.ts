/** Everything that the environment may say, read once. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { resolve } from 'node:path'

export interface Settings {
  readonly port: number
  /** The data folder. */
  readonly data: string
  /** How Sojourn knows its own address, to tell foreign pages from its own. */
  readonly address:
    | { readonly development: { readonly port: number } }
    | { readonly origins: string[]; readonly trustProxy: boolean }
  /** An origin under which this server answers: where a session is handed over to. */
  readonly origin: string
  readonly logLevel: string
  /** How old a login may be for changing the delivery address. */
  readonly freshForMs: number
}

/**
 * PORT (3000; 0 takes a free one), DATA (./data where npm was called), LOG_LEVEL (warn),
 * FRESH_SECONDS (120);
 * NODE_ENV=production needs ORIGINS (comma list of https addresses) and, behind a proxy,
 * TRUST_PROXY=1.
 */
export async function readSettings(env: NodeJS.ProcessEnv): Promise<Settings> {
  const wanted = Number(env['PORT'] ?? 3000)
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65_535) {
    throw new RangeError(`PORT must be a port number, not ${env['PORT']}`)
  }
  const port = wanted === 0 ? await freePort() : wanted
  const freshForMs = Number(env['FRESH_SECONDS'] ?? 120) * 1000
  if (!(freshForMs > 0))
    throw new RangeError(`FRESH_SECONDS must be more than 0, not ${env['FRESH_SECONDS']}`)
  const origins = env['NODE_ENV'] === 'production' ? originsOf(env) : undefined
  return {
    port,
    data: resolve(env['INIT_CWD'] ?? '.', env['DATA'] ?? 'data'),
    address: origins
      ? { origins, trustProxy: env['TRUST_PROXY'] === '1' }
      : { development: { port } },
    origin: origins?.[0] ?? `http://localhost:${port}`,
    logLevel: env['LOG_LEVEL'] ?? 'warn',
    freshForMs,
  }
}

function originsOf(env: NodeJS.ProcessEnv): string[] {
  const origins = (env['ORIGINS'] ?? '').split(',').filter((origin) => origin !== '')
  if (origins.length === 0) throw new TypeError('ORIGINS must name the address of this server')
  return origins.map((origin) => new URL(origin.trim()).origin)
}

/** Sojourn must know its port before the server listens, so the system is asked ahead. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
