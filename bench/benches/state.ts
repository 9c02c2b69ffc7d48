import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type Bench, type Figure, median } from '../figures.ts'
import { type Part, parts } from '../state/parts.ts'

const processesPerPart = 3

/** What ran before would decide how the code of a contestant is compiled: each part starts anew. */
async function figuresOf(part: Part): Promise<readonly Figure[]> {
  const child = fork(new URL('../state/main.ts', import.meta.url), [part], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // Some of the peers choose their build, and check themselves, by it; they get their fast one.
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const figures = once(child, 'message').then(([message]) => message as readonly Figure[])
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`The bench of ${part} ended with ${code}`)
  })
  return await Promise.race([figures, failed])
}

/** The luck of one process, in what it compiles and when, lasts for all of its rounds. */
async function mediansOf(part: Part): Promise<readonly Figure[]> {
  const runs: (readonly Figure[])[] = []
  while (runs.length < processesPerPart) runs.push(await figuresOf(part))
  const [first = []] = runs
  return first.map((figure, at) => ({
    ...figure,
    value: median(runs.map((run) => run[at]?.value ?? Number.NaN)),
  }))
}

export const state: Bench = {
  name: 'state',
  about:
    'Tracked state and its replica beside peers that do the same: median of three processes, each with 7 interleaved ' +
    'turns of the same ticks; ratios to @colyseus/schema, of a write to one to a plain object. 100 players of which ' +
    '10 move in a tick; a list of 1,000 items with one operation in a tick; 1,000 entities with all coordinates written in a tick; 100 ' +
    'clients that join in one tick, where everybody encodes once. `decode + apply` takes all frames and reads nothing in ' +
    'between; with `+ read` the state is read after each frame. What that costs is a new immutable view of what changed ' +
    'and all around it, for us; nothing where the state is changed in place; for immer and mutative nothing more, since ' +
    'theirs is made with every frame. A client that takes several frames before it renders pays for one view. ' +
    'Good: at most 125 bytes for two decimals, 105 for integers, 45 for an insert, 7 for a toggle, 20 for a move; ' +
    'mutate + encode at most twice @colyseus/schema and below it for the list, decode + apply at most twice its; a ' +
    'tracked write at most eight times a plain one.',
  async run() {
    const figures: Figure[] = []
    for (const part of parts) figures.push(...(await mediansOf(part)))
    return figures
  },
}
