/**
 * `npm run bench [-- name …] [--json]`: runs us and the bare contestants in one run. The bench has
 * packages of its own; they are installed on its first run, and when their lock file has changed.
 */
import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Bench, table } from './figures.ts'

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const here = fileURLToPath(new URL('.', import.meta.url))
const changedMs = (file: string) => statSync(here + file, { throwIfNoEntry: false })?.mtimeMs ?? 0
if (changedMs('node_modules/.package-lock.json') < changedMs('package-lock.json'))
  // No package of it needs to build anything here; the peers' own peers would like to.
  execFileSync('npm', ['install', '--no-save', '--silent', '--ignore-scripts'], {
    cwd: here,
    stdio: 'inherit',
  })

const [{ web }, { races }, { live }, { state }, { scale }] = await Promise.all([
  import('./benches/web.ts'),
  import('./benches/races.ts'),
  import('./benches/live.ts'),
  import('./benches/state.ts'),
  import('./benches/scale.ts'),
])
/** A bench by its name, or all parts of one (`live:trip`, …) by what stands before the colon. */
const isChosen = ({ name }: Bench): boolean =>
  positionals.length === 0 || positionals.some((one) => one === name || one === name.split(':')[0])
const chosen = [web, races, ...live, state, scale].filter(isChosen)
if (chosen.length === 0) throw new RangeError(`There is no bench named ${positionals.join(', ')}`)

for (const bench of chosen) {
  if (!values.json) console.log(`\n${bench.name}: ${bench.about}\n`)
  const figures = await bench.run()
  if (values.json) for (const figure of figures) console.log(JSON.stringify(figure))
  else console.log((bench.print ?? table)(figures))
}
