/** The programs of the guides run as printed, and print what stands below them. */
import { execFileSync } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'

// Inside of the package, so that its own name means what was built.
const folder = new URL('../../dist/guides/', import.meta.url)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const program = /```ts\n\/\/ (\S+\.ts)\n([\s\S]*?)```\s+```text\n([\s\S]*?)```/g
const guides = globSync('docs/guide/*.md').flatMap((path) =>
  [...readFileSync(path, 'utf8').matchAll(program)].map(
    ([, name = '', code = '', printed = '']) => ({
      name,
      code,
      printed,
    }),
  ),
)

it('has programs to run', () => {
  expect(guides.length).toBeGreaterThan(1)
})

it.each(guides)('$name prints what the guide says', ({ name, code, printed }) => {
  mkdirSync(folder, { recursive: true })
  const file = new URL(name, folder)
  writeFileSync(file, code)
  const flags = ['--disable-warning=ExperimentalWarning']
  expect(execFileSync('node', [...flags, file.pathname], { encoding: 'utf8' })).toBe(printed)
})
