/** Builds the package into dist/: plain tsc, and the client once more as one file for pages. */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { minify } from 'terser'
import { build } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const bundle = `${root}dist/client/client.bundle.js`

rmSync(`${root}dist`, { recursive: true, force: true })
execFileSync('tsc', ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
await build({
  root,
  configFile: false,
  logLevel: 'warn',
  publicDir: false,
  build: {
    outDir: 'dist/client',
    emptyOutDir: false,
    minify: false,
    lib: {
      entry: 'dist/client/index.js',
      formats: ['es'],
      fileName: () => 'client.bundle.js',
    },
  },
})
// Vite keeps the white space of a library; this file goes to browsers as it is.
const { code = '' } = await minify(readFileSync(bundle, 'utf8'), {
  module: true,
  ecma: 2020,
  compress: { passes: 3, unsafe_arrows: true },
})
writeFileSync(bundle, code)

// The process of an instance: as one file it starts sooner, and holds less, than as sixty.
await build({
  root,
  configFile: false,
  logLevel: 'warn',
  publicDir: false,
  build: {
    target: 'node22',
    outDir: 'dist/live/backend',
    emptyOutDir: false,
    minify: false,
    lib: {
      entry: 'dist/live/backend/main.js',
      formats: ['es'],
      fileName: () => 'main.js',
    },
    rolldownOptions: { external: [/^node:/, 'ws'] },
  },
})
