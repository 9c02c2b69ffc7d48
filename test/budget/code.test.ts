/** The size limits of the house: what fits on a screen, and one idea a file. */
import { globSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { errorTable } from '../../src/base/core/hints.ts'
import { limits } from '../../src/base/core/index.ts'

const functionLinesMax = 60
const fileLinesMax = 300

const sources = globSync(
  ['src/**/*.ts', 'examples/*/**/*.{ts,tsx}', 'bench/**/*.ts', 'scripts/*.ts'],
  {
    exclude: (path) => /node_modules|\/dist\/|\.test\.ts/.test(path),
  },
).filter((path) => !/node_modules|\/dist\/|\.test(-d)?\.ts$/.test(path))

/** Lines of code: doc comments and empty lines are free. */
function codeLines(text: string): number {
  const bare = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  return bare.split('\n').filter((line) => line.trim()).length
}

function longFunctions(path: string): string[] {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body) {
      const from = source.getLineAndCharacterOfPosition(node.getStart(source)).line
      const to = source.getLineAndCharacterOfPosition(node.end).line
      if (to - from + 1 > functionLinesMax)
        found.push(`${path}:${from + 1} has ${to - from + 1} lines`)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

describe('budgets of the code', () => {
  it('looks at the sources', () => {
    expect(sources.length).toBeGreaterThan(40)
  })

  it(`keeps functions within ${functionLinesMax} lines`, () => {
    expect(sources.flatMap(longFunctions)).toEqual([])
  })

  it(`keeps files within ${fileLinesMax} lines of code`, () => {
    const long = sources.filter((path) => codeLines(readFileSync(path, 'utf8')) > fileLinesMax)
    expect(long).toEqual([])
  })

  it('raises every code of the error table, and runs into every limit, somewhere', () => {
    const code = sources
      .filter((path) => !/core\/(errors|hints|limits)\.ts$/.test(path))
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n')
    expect(Object.keys(errorTable).filter((word) => !code.includes(`'${word}'`))).toEqual([])
    expect(Object.keys(limits).filter((name) => !code.includes(`limits.${name}`))).toEqual([])
  })

  it('keeps adapters within 100 lines: they translate, nothing more', () => {
    const adapters = sources.filter((path) => /web\/adapters\//.test(path))
    expect(adapters.length).toBeGreaterThan(0)
    expect(adapters.filter((path) => codeLines(readFileSync(path, 'utf8')) > 100)).toEqual([])
  })
})
