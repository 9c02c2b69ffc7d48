/** A key that crashes again and again: slower each time, then not at all, until somebody sees to it. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { limits } from '../../src/base/core/index.ts'
import { until } from '../e2e/scratch.ts'
import { openWorld, type World } from './world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld()
})
afterEach(() => world.close())

it('F12, I25: parks with the reason and the last words, and starts again once it was stopped', async () => {
  const find = () => world.instances.get('picky', 'gone')
  const other = world.connect('a')
  await other.actions.append('x')
  let starts = 0
  world.instances.follow((news) => {
    if (news.type === 'change' && news.key === 'gone' && news.phase === 'starting') starts += 1
  })
  // A new client comes at once, so that the pauses are those of the host.
  for (let seen = 0; seen < limits.crashesMax; seen = starts) {
    const live = world.connect('gone', undefined, 'picky')
    await until(() => starts > seen && find().phase === 'stopped', `more than ${seen} crashes`)
    live.close()
  }
  expect(find().isParked).toBe(true)
  expect([starts, find().lastEnd?.reason]).toEqual([limits.crashesMax, 'start-failed'])
  expect(find().lastEnd?.output).toContain('nothing can be done')
  world.connect('gone', undefined, 'picky')
  const refused = () => world.logged.some(({ facts }) => codeIn(facts) === 'INSTANCE_PARKED')
  await until(refused, 'a client was refused')
  expect(starts).toBe(limits.crashesMax)
  await world.instances.stop('picky', 'gone')
  expect(find().isParked).toBe(false)
  world.connect('gone', undefined, 'picky')
  await until(() => starts > limits.crashesMax, 'tried again')
  await other.actions.append('y')
  expect(other.state?.entries).toEqual(['x', 'y'])
})

const codeIn = (facts: object): unknown => (facts as { code?: string }).code
