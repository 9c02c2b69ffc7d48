/** The map of invariants and faults: no number is missing, and what it names is there. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const invariants = 30
const faults = 75

interface Row {
  readonly numbers: readonly string[]
  readonly file: string | undefined
  /** Name of the test, or the reason why there is none. */
  readonly says: string
}

const rows = readFileSync('test/faults/README.md', 'utf8')
  .split('\n')
  .flatMap((line): Row[] => {
    const [, numbers = '', file = '', says = ''] = line.split('|').map((cell) => cell.trim())
    if (!/^[IF]\d/.test(numbers)) return []
    const path = /^`(.*)`$/.exec(file)?.[1]
    return [{ numbers: expand(numbers), file: path, says: says.replaceAll('`', '') }]
  })

/** `F1 F20–F22` as F1, F20, F21, F22. */
function expand(text: string): string[] {
  return text.split(' ').flatMap((part) => {
    const [kind = ''] = part
    const [from = 0, to = from] = (part.match(/\d+/g) ?? []).map(Number)
    return Array.from({ length: to - from + 1 }, (_, at) => `${kind}${from + at}`)
  })
}

const numbered = (kind: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${kind}${at + 1}`)

it('has a row for every number', () => {
  const mapped = new Set(rows.flatMap(({ numbers }) => numbers))
  const all = [...numbered('I', invariants), ...numbered('F', faults)]
  expect(all.filter((number) => !mapped.has(number))).toEqual([])
})

it('has a test with the number in its name for every invariant, or a reason', () => {
  const sources = globSync(['src/**/*.test.ts', 'test/**/*.test.ts']).map((path) =>
    readFileSync(path, 'utf8'),
  )
  const titles = sources.flatMap((text) =>
    [...text.matchAll(/['`]((?:[IF]\d+(?:–F\d+)?(?:, )?)+): /g)].map(([, numbers = '']) => numbers),
  )
  const shown = new Set(titles.flatMap((numbers) => numbers.split(', ')))
  const elsewhere = (number: string): boolean =>
    rows.some(({ numbers, file }) => numbers.includes(number) && !file?.startsWith('test/faults/'))
  const missing = numbered('I', invariants).filter(
    (number) => !shown.has(number) && !elsewhere(number),
  )
  expect(missing).toEqual([])
})

it('names only tests that are there', () => {
  const lost = rows.filter(
    ({ file, says }) =>
      file !== undefined && !(existsSync(file) && readFileSync(file, 'utf8').includes(says)),
  )
  expect(lost).toEqual([])
})

it('gives a reason where there is no test', () => {
  expect(rows.filter(({ file, says }) => file === undefined && says.length < 10)).toEqual([])
})
