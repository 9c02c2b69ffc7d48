/** Measures a write to a state that is tracked beside a write to a plain object. */
import assert from 'node:assert/strict'
import { ArraySchema, Encoder, schema, t } from '@colyseus/schema'
import { produce } from 'immer'
import { create } from 'mutative'
import { track } from 'sojourn/state'
import type { Figure } from '../figures.ts'
import { plainCopy } from './plain-copy.ts'
import { collectGarbage, medians, msOf, type Round } from './rounds.ts'

interface Entity {
  x: number
  y: number
}

interface World {
  entities: Entity[]
}

interface Course {
  /** Writes x and y of every entity: `start` and its negative, a quarter more for each next one. */
  write(start: number): void
  /** After each tick, and not timed. */
  settle?(): void
  state(): unknown
}

const entityCount = 1_000
const tickCount = 20
const writeCount = entityCount * 2

const makeWorld = (): World => ({
  entities: Array.from({ length: entityCount }, (_, index) => ({ x: index + 0.5, y: 0.5 - index })),
})

// Every contestant has a loop of its own: one that all shared would be compiled for all of them.

function plain(): Course {
  const world = makeWorld()
  return {
    write(start) {
      let value = start
      for (const entity of world.entities) {
        entity.x = value
        entity.y = -value
        value += 0.25
      }
    },
    state: () => world,
  }
}

/** What a write through any proxy costs at least. */
function bareProxies(): Course {
  const world = makeWorld()
  const trap: ProxyHandler<Entity> = {
    set(entity, key, value) {
      entity[key as keyof Entity] = value
      return true
    },
  }
  const entities = world.entities.map((entity) => new Proxy(entity, trap))
  return {
    write(start) {
      let value = start
      for (const entity of entities) {
        entity.x = value
        entity.y = -value
        value += 0.25
      }
    },
    state: () => world,
  }
}

function writeHandles(handles: readonly Entity[], start: number): void {
  let value = start
  for (const handle of handles) {
    handle.x = value
    handle.y = -value
    value += 0.25
  }
}

function handles(): Course {
  const { state, flush } = track(makeWorld())
  const entities = Array.from(state.entities)
  return {
    write: (start) => writeHandles(entities, start),
    settle: () => flush(),
    state: () => state,
  }
}

function handlesAndFlush(): Course {
  const { state, flush } = track(makeWorld())
  const entities = Array.from(state.entities)
  return {
    write(start) {
      writeHandles(entities, start)
      flush()
    },
    state: () => state,
  }
}

function reached(): Course {
  const { state, flush } = track(makeWorld())
  return {
    write(start) {
      let value = start
      for (const entity of state.entities) {
        entity.x = value
        entity.y = -value
        value += 0.25
      }
    },
    settle: () => flush(),
    state: () => state,
  }
}

const SchemaEntity = schema({ x: t.float64(), y: t.float64() }, 'WrittenEntity')
const SchemaWorld = schema({ entities: t.array(SchemaEntity) }, 'WrittenWorld')

function colyseus(): Course {
  const state = new SchemaWorld()
  const entities = makeWorld().entities.map((entity) => new SchemaEntity(entity))
  state.entities = new ArraySchema(...entities)
  const encoder = new Encoder(state)
  encoder.discardChanges()
  return {
    write(start) {
      let value = start
      for (const entity of entities) {
        entity.x = value
        entity.y = -value
        value += 0.25
      }
    },
    settle: () => encoder.discardChanges(),
    state: () => state,
  }
}

function immer(): Course {
  let world = makeWorld()
  return {
    write(start) {
      world = produce(world, ({ entities }) => {
        let value = start
        for (const entity of entities) {
          entity.x = value
          entity.y = -value
          value += 0.25
        }
      })
    },
    state: () => world,
  }
}

function mutative(): Course {
  let world = makeWorld()
  return {
    write(start) {
      world = create(world, ({ entities }) => {
        let value = start
        for (const entity of entities) {
          entity.x = value
          entity.y = -value
          value += 0.25
        }
      })
    },
    state: () => world,
  }
}

const contestants: readonly (readonly [name: string, start: () => Course])[] = [
  ['plain objects', plain],
  ['bare proxies that only write', bareProxies],
  ['sojourn, through handles', handles],
  ['sojourn, through handles, flush included', handlesAndFlush],
  ['sojourn, reached through the state', reached],
  ['@colyseus/schema, through handles', colyseus],
  ['immer, draft and finish, no patches', immer],
  ['mutative, draft and finish, no patches', mutative],
]

/** What all ticks took. */
function runTicks(course: Course): number {
  let ms = 0
  for (let tick = 1; tick <= tickCount; tick += 1) {
    ms += msOf(() => course.write(tick))
    course.settle?.()
  }
  return ms
}

function roundOf(start: () => Course): Round {
  return () => {
    const course = start()
    collectGarbage()
    return [(runTicks(course) * 1_000_000) / (tickCount * writeCount)]
  }
}

/** The course stays: see `Recording` in follow.ts. */
function checked(name: string, start: () => Course): { name: string; course: Course } {
  const course = start()
  const model = plain()
  runTicks(course)
  runTicks(model)
  assert.deepStrictEqual(plainCopy(course.state()), model.state(), name)
  return { name, course }
}

/** Nanoseconds of a write, in the middle of many. */
export function writes(): Figure[] {
  const kept = contestants.map(([name, start]) => checked(name, start))
  const times = medians(contestants.map(([, start]) => roundOf(start)))
  return kept.map(({ name }, at) => ({
    bench: 'state',
    contestant: name,
    metric: 'a write',
    value: times[at]?.[0] ?? Number.NaN,
    unit: 'ns',
  }))
}
