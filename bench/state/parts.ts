/** The parts of the state bench, in the order in which they are run and printed. */
export const parts = [
  'decimals',
  'integers',
  'insert',
  'toggle',
  'move',
  'writes',
  'joins',
] as const

export type Part = (typeof parts)[number]
