/** docs/reference/security.md and the tests of the checklists say the same. */
import { globSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const page = readFileSync('docs/reference/security.md', 'utf8')
const sources = globSync('src/web/security/*.test.ts')
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n')

/** The items of a checklist: `N1` to `N23`. */
const upTo = (letter: string, last: number) =>
  Array.from({ length: last }, (_, index) => `${letter}${index + 1}`)
const checklists = [
  '7.1.1 7.1.2 7.1.3 7.2.1 7.2.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5',
  '7.5.1 7.5.2 7.5.3 7.6.1 7.6.2 3.3.1 3.3.2 3.3.3 3.3.4 3.3.5 3.4.5 3.5.1 3.5.2 3.5.3',
  '4.4.1 4.4.2 4.4.3 4.4.4 8.3.2 9.1.1 9.1.2 9.1.3 9.2.1 9.2.2 9.2.3 9.2.4 11.5.1 14.2.1',
  '14.3.1 15.3.7 16.2.5',
].flatMap((line) => line.split(' '))
const items = [checklists, upTo('N', 23), upTo('O', 15), upTo('C', 10)].flat()

const rows = [...page.matchAll(/^\| ([\d.]+|[NOCB]\d+) \| (.*) \|$/gm)].map(
  ([, item, rest = '']) => ({
    item,
    cells: rest.split(' | '),
  }),
)
const titles = (text: string, quote: string) =>
  [
    ...text.matchAll(
      new RegExp(`${quote}((?:[\\d.]{5,}|[NOCB]\\d+) [a-z][^${quote}\n]+)${quote}`, 'g'),
    ),
  ]
    .map(([, title]) => title)
    .sort()

it('N20 documents the limits as they are, and every item of the checklists once', () => {
  const listed = rows.map(({ item }) => item)
  expect(listed.filter((item) => !item?.startsWith('B')).sort()).toEqual([...items].sort())
  for (const [limit, value] of [
    ['idleAfterMs', '30 minutes'],
    ['endAfterMs', '12 hours'],
    ['rememberForMs', '30 days'],
    ['freshForMs', '10 minutes'],
    ['userSessionsMax', '100'],
    ['dataBytesMax', '64 KiB'],
  ])
    expect(page).toMatch(new RegExp(`\\| ${value}[^|]*\\| \`${limit}\``))
})

it('lists every test, and every test that it lists exists', () => {
  expect(titles(page, '`')).toEqual(titles(sources, "'"))
})

it('names a test for what is met, and a reason for what is not', () => {
  for (const { item, cells } of rows.filter((row) => !row.item?.startsWith('B'))) {
    const [state, why = ''] = cells.slice(-2)
    const isShown = state === 'met' || state === 'application'
    expect([item, why.startsWith(`\`${item} `)]).toEqual([item, isShown])
    if (!isShown) expect([state, why.length > 5]).toEqual([expect.stringMatching(/^not /), true])
  }
})
