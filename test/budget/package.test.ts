/** The size limits of what users install, and the list of what they can import. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { minify } from 'terser'
import { build } from 'vite'
import { describe, expect, it } from 'vitest'

const clientGzipBytesMax = 12_000
/** The same with the hooks, without React itself. */
const reactGzipBytesMax = 14_000
/** What a page needs to follow a state: the reading side of `sojourn/state`. */
const replicaGzipBytesMax = 8_000
/** All of `sojourn/state`, for a page that tracks one too; just above what it is. */
const stateGzipBytesMax = 16_000
const installedPackagesMax = 10

const root = new URL('../../', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  exports: Record<string, string | { default: string; types: string }>
}
const lock = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8')) as {
  packages: Record<string, { dependencies?: Record<string, string> }>
}

function installedWith(name: string, seen = new Set<string>()): Set<string> {
  const path = name ? `node_modules/${name}` : ''
  for (const dependency of Object.keys(lock.packages[path]?.dependencies ?? {})) {
    if (seen.has(dependency)) continue
    seen.add(dependency)
    installedWith(dependency, seen)
  }
  return seen
}

/** What a bundler makes of a page's code: minified, without what it doesn't use. */
async function bundleOf(code: string): Promise<string> {
  const entry = fileURLToPath(new URL('dist/page.js', root))
  writeFileSync(entry, code)
  try {
    const built = await build({
      root: fileURLToPath(root),
      configFile: false,
      logLevel: 'error',
      build: {
        write: false,
        minify: false,
        lib: { entry, formats: ['es'], fileName: 'page' },
        rolldownOptions: { external: ['react'] },
      },
    })
    const [{ output }] = built as unknown as [{ output: [{ code: string }] }]
    const minifying = { module: true, ecma: 2020 as const, compress: { passes: 3 } }
    return (await minify(output[0].code, minifying)).code ?? ''
  } finally {
    rmSync(entry)
  }
}

describe('budgets of the package', () => {
  it(`keeps the client within ${clientGzipBytesMax} bytes gzipped`, () => {
    const bundle = readFileSync(new URL('dist/client/client.bundle.js', root))
    expect(gzipSync(bundle, { level: 9 }).byteLength).toBeLessThanOrEqual(clientGzipBytesMax)
  })

  it(`keeps the client with its hooks for React within ${reactGzipBytesMax} bytes gzipped`, async () => {
    const bundle = await bundleOf(
      "export { connect } from 'sojourn/client'; export * from 'sojourn/react'",
    )
    const { byteLength } = gzipSync(bundle, { level: 9 })
    console.info(`The client with React hooks is ${byteLength} bytes gzipped`)
    expect(byteLength).toBeLessThanOrEqual(reactGzipBytesMax)
  })

  it(`keeps a replica within ${replicaGzipBytesMax} bytes gzipped`, async () => {
    const bundle = await bundleOf("export { replica } from 'sojourn/state'")
    const { byteLength } = gzipSync(bundle, { level: 9 })
    console.info(`A replica is ${byteLength} bytes gzipped`)
    expect(byteLength).toBeLessThanOrEqual(replicaGzipBytesMax)
    expect(bundle).not.toContain('Proxy')
  })

  it(`keeps all of the state within ${stateGzipBytesMax} bytes gzipped`, async () => {
    const bundle = await bundleOf("export * from 'sojourn/state'")
    const { byteLength } = gzipSync(bundle, { level: 9 })
    console.info(`All of sojourn/state is ${byteLength} bytes gzipped`)
    expect(byteLength).toBeLessThanOrEqual(stateGzipBytesMax)
  })

  it(`brings at most ${installedPackagesMax} packages, itself included`, () => {
    expect(installedWith('').size + 1).toBeLessThanOrEqual(installedPackagesMax)
  })

  it('finds its own thread for figures, which keeps a process alive while it answers, only', () => {
    const code = `
      import { openSqlite } from 'sojourn/stores/sqlite'
      const threads = []
      process.on('worker', (thread) => threads.push(thread))
      const events = openSqlite({ data: process.argv[1] }).events()
      const count = () => events.count('view', { fromMs: 0, toMs: 1 })
      process.stdout.write((await count()) + ' and ' + (await count()) + ' by ' + threads.length)`
    const data = mkdtempSync(join(tmpdir(), 'sojourn-package-'))
    const args = ['--input-type=module', '-e', code, data]
    try {
      const options = { cwd: root, encoding: 'utf8', timeout: 15_000 } as const
      expect(execFileSync('node', args, options)).toBe('0 and 0 by 1')
    } finally {
      rmSync(data, { recursive: true })
    }
  })

  it('exports files that are there', () => {
    for (const target of Object.values(manifest.exports)) {
      for (const path of typeof target === 'string' ? [target] : Object.values(target)) {
        expect(existsSync(new URL(path, root)), path).toBe(true)
      }
    }
  })

  it.each([
    [
      'app',
      [
        'SojournError',
        'createAnalytics',
        'createSessions',
        'errorTable',
        'isSojournError',
        'sojourn',
      ],
    ],
    ['client', ['SojournError', 'connect', 'isSojournError']],
    ['client/react', ['useAction', 'useBackend', 'usePresence', 'useSelector', 'useStatus']],
    ['client/game', ['interpolate', 'mix', 'mixAngle', 'predict']],
    ['client/simulate', ['simulateNetwork']],
    ['live/backend', ['SojournError', 'action', 'backend']],
    [
      'base/state',
      [
        'describeFrame',
        'peekFrame',
        'replica',
        'restore',
        'restoreByAudience',
        'track',
        'trackByAudience',
      ],
    ],
    ['web/adapters/node', ['sessions']],
    ['web/adapters/hono', ['sessions']],
    ['web/adapters/express', ['sessions']],
    ['web/adapters/fastify', ['sessions']],
    ['web/adapters/fetch', ['sessions']],
    ['stores/sqlite', ['openSqlite']],
    ['stores/memory', ['openMemory']],
    ['stores/postgres', ['openPostgres']],
    ['stores/valkey', ['openValkey']],
  ])('exports exactly these names from %s', async (folder, names) => {
    const path = folder.startsWith('web/adapters') ? `${folder}.js` : `${folder}/index.js`
    const module = (await import(new URL(`dist/${path}`, root).href)) as object
    expect(Object.keys(module).sort()).toEqual(names)
  })
})
