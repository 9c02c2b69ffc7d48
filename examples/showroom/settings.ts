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
  readonly logLevel: string
}

/**
 * PORT (3000; 0 takes a free one), DATA (./data where npm was called), LOG_LEVEL (warn);
 * NODE_ENV=production needs ORIGINS (comma list of https addresses) and, behind a proxy,
 * TRUST_PROXY=1.
 */
export async function readSettings(env: NodeJS.ProcessEnv): Promise<Settings> {
  const wanted = Number(env['PORT'] ?? 3000)
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65_535) {
    throw new RangeError(`PORT must be a port number, not ${env['PORT']}`)
  }
  const port = wanted === 0 ? await freePort() : wanted
  return {
    port,
    data: resolve(env['INIT_CWD'] ?? '.', env['DATA'] ?? 'data'),
    address:
      env['NODE_ENV'] === 'production'
        ? { origins: originsOf(env), trustProxy: env['TRUST_PROXY'] === '1' }
        : { development: { port } },
    logLevel: env['LOG_LEVEL'] ?? 'warn',
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
