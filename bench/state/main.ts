/** Runs one part of the state bench, in a process of its own, and answers with its figures. */
import type { Figure } from '../figures.ts'
import { joins } from './joins.ts'
import type { Part } from './parts.ts'
import { list, players } from './scenarios.ts'
import { writes } from './writes.ts'

const runs: Record<Part, () => readonly Figure[]> = {
  decimals: () => players(2),
  integers: () => players(0),
  insert: () => list('insert'),
  toggle: () => list('toggle'),
  move: () => list('move'),
  writes,
  joins,
}

process.send?.(runs[process.argv[2] as Part]())
