/** The size limits of what users install, and the list of what they can import. */
import { existsSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'

const clientGzipBytesMax = 12_000
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

describe('budgets of the package', () => {
  it(`keeps the client within ${clientGzipBytesMax} bytes gzipped`, () => {
    const bundle = readFileSync(new URL('dist/client/client.bundle.js', root))
    expect(gzipSync(bundle, { level: 9 }).byteLength).toBeLessThanOrEqual(clientGzipBytesMax)
  })

  it(`brings at most ${installedPackagesMax} packages, itself included`, () => {
    expect(installedWith('').size + 1).toBeLessThanOrEqual(installedPackagesMax)
  })

  it('exports files that are there', () => {
    for (const target of Object.values(manifest.exports)) {
      for (const path of typeof target === 'string' ? [target] : Object.values(target)) {
        expect(existsSync(new URL(path, root)), path).toBe(true)
      }
    }
  })

  it.each([
    ['app', ['SojournError', 'createSessions', 'errorTable', 'isSojournError', 'sojourn']],
    ['client', ['SojournError', 'connect', 'isSojournError']],
    ['live/backend', ['SojournError', 'action', 'backend']],
    ['base/state', ['applyChanges', 'describeFrame', 'peekFrame', 'replica', 'restore', 'track']],
    ['web/adapters/node', ['sessions']],
    ['web/adapters/hono', ['sessions']],
    ['stores/sqlite', ['openSqlite']],
  ])('exports exactly these names from %s', async (folder, names) => {
    const path = folder.startsWith('web/adapters') ? `${folder}.js` : `${folder}/index.js`
    const module = (await import(new URL(`dist/${path}`, root).href)) as object
    expect(Object.keys(module).sort()).toEqual(names)
  })
})
