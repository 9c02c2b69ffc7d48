/** What a bench yields, and how it is printed. */

export interface Figure {
  readonly bench: string
  readonly contestant: string
  readonly metric: string
  /** Not a number when there is none: `unit` says why. */
  readonly value: number
  readonly unit: string
}

export interface Bench {
  readonly name: string
  /** What is compared, and what a good number is. */
  readonly about: string
  run(): Promise<readonly Figure[]>
  /** How its figures are printed. Default: `table`. */
  print?(figures: readonly Figure[]): string
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** One row per contestant; every figure also as a ratio to the first contestant's. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    if (Number.isNaN(figure.value)) return [figure.contestant, figure.metric, figure.unit, '']
    const base = figures.find(({ metric }) => metric === figure.metric)
    const ratio = base ? figure.value / base.value : Number.NaN
    const value = figure.value.toFixed(figure.value < 100 ? 1 : 0)
    return [figure.contestant, figure.metric, `${value} ${figure.unit}`, `× ${ratio.toFixed(2)}`]
  })
  const widths = [0, 1, 2].map((at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows
    .map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '))
    .join('\n')
}
