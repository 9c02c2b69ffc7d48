/**
 * `npm run bench [-- name …] [--json]`: runs us and the bare contestants in one run. The bench has
 * packages of its own; they are installed on its first run, and when their lock file has changed.
 */
import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { table } from './figures.ts'

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const here = fileURLToPath(new URL('.', import.meta.url))
const changedMs = (file: string) => statSync(here + file, { throwIfNoEntry: false })?.mtimeMs ?? 0
if (changedMs('node_modules/.package-lock.json') < changedMs('package-lock.json'))
  execFileSync('npm', ['ci', '--silent'], { cwd: here, stdio: 'inherit' })

const [{ web }, { races }, { action }, { state }, { scale }] = await Promise.all([
  import('./benches/web.ts'),
  import('./benches/races.ts'),
  import('./benches/action.ts'),
  import('./benches/state.ts'),
  import('./benches/scale.ts'),
])
const chosen = [web, races, action, state, scale].filter(
  ({ name }) => positionals.length === 0 || positionals.includes(name),
)
if (chosen.length === 0) throw new RangeError(`There is no bench named ${positionals.join(', ')}`)

for (const bench of chosen) {
  if (!values.json) console.log(`\n${bench.name}: ${bench.about}\n`)
  const figures = await bench.run()
  if (values.json) for (const figure of figures) console.log(JSON.stringify(figure))
  else console.log((bench.print ?? table)(figures))
}
