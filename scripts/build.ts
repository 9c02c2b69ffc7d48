/** Builds the package into dist/: plain tsc, and the client once more as one file for pages. */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { minify } from 'terser'
import { type BuildEnvironmentOptions, build } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const client = `${root}dist/client/client.bundle.js`

rmSync(`${root}dist`, { recursive: true, force: true })
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
/** Makes one file of what tsc has made. */
async function bundle(entry: string, file: string, more: BuildEnvironmentOptions): Promise<void> {
  await build({
    root,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    build: {
      outDir: dirname(entry),
      emptyOutDir: false,
      minify: false,
      lib: { entry, formats: ['es'], fileName: () => file },
      ...more,
    },
  })
}

await bundle('dist/client/index.js', 'client.bundle.js', {})
// Vite keeps the white space of a library; this file goes to browsers as it is.
const { code = '' } = await minify(readFileSync(client, 'utf8'), {
  module: true,
  ecma: 2020,
  compress: { passes: 3, unsafe_arrows: true },
})
writeFileSync(client, code)

// The process of an instance: as one file it starts sooner, and holds less, than as sixty.
await bundle('dist/live/backend/main.js', 'main.js', {
  target: 'node22',
  rolldownOptions: { external: [/^node:/, 'ws'] },
})
