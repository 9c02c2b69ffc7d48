/** Measures 100 clients that join in the same tick, each of them with the whole state. */
import assert from 'node:assert/strict'
import type { Figure } from '../figures.ts'
import { colyseusPlayers } from './colyseus.ts'
import type { Client } from './contestant.ts'
import { plainCopy } from './plain-copy.ts'
import { movePlayers, type PlayersState, type PlayersTick, playersCase } from './players.ts'
import { collectGarbage, medians, msOf, type Round } from './rounds.ts'
import { sojournPlayers } from './sojourn.ts'

const joinCount = 100

interface Course {
  readonly name: string
  /** Runs a tick, and what its end needs. */
  tick(tick: PlayersTick): void
  /** The snapshots of all who join in this tick; they may share one. */
  snapshots(): Uint8Array
  join(snapshot: Uint8Array): Client
}

function ours(initial: PlayersState): Course {
  const contestant = sojournPlayers
  const server = contestant.serve(initial)
  return {
    name: 'sojourn',
    tick: (tick) => void server.send(tick),
    snapshots() {
      for (let count = 1; count < joinCount; count += 1) server.snapshot()
      return server.snapshot()
    },
    join: contestant.join,
  }
}

function colyseus(initial: PlayersState): Course {
  const name = '@colyseus/schema float64'
  const contestant = colyseusPlayers('float64', { name })
  const server = contestant.serve(initial)
  return {
    name,
    tick: (tick) => void server.send(tick),
    snapshots: () => server.snapshot(),
    join: contestant.join,
  }
}

function json(initial: PlayersState): Course {
  const state = structuredClone(initial)
  return {
    name: 'JSON',
    tick: (tick) => movePlayers(state, tick),
    snapshots: () => Buffer.from(JSON.stringify(state)),
    join(snapshot) {
      const copy = JSON.parse((snapshot as Buffer).toString()) as PlayersState
      return { take: () => {}, state: () => copy }
    },
  }
}

/** A tick of its own for each measurement: what was encoded before it is worth nothing. */
function roundOf(start: () => Course, ticks: readonly PlayersTick[]): Round {
  return () => {
    const course = start()
    let encodeMs = 0
    let joinMs = 0
    collectGarbage()
    for (const tick of ticks) {
      course.tick(tick)
      encodeMs += msOf(() => void course.snapshots())
      const snapshot = course.snapshots()
      joinMs += msOf(() => void course.join(snapshot).state())
    }
    return [(encodeMs * 1_000) / ticks.length, (joinMs * 1_000) / ticks.length]
  }
}

interface Checked {
  readonly name: string
  readonly bytes: number
  /** Both ends, which stay: see `Recording` in follow.ts. */
  readonly ends: readonly unknown[]
}

/** The bytes of a snapshot, of a state that is what it should be. */
function check(course: Course, initial: PlayersState, ticks: readonly PlayersTick[]): Checked {
  const expected = structuredClone(initial)
  for (const tick of ticks) {
    course.tick(tick)
    movePlayers(expected, tick)
  }
  const snapshot = course.snapshots()
  const client = course.join(snapshot)
  assert.deepStrictEqual(plainCopy(client.state()), expected, course.name)
  return { name: course.name, bytes: snapshot.length, ends: [course, client] }
}

export function joins(): Figure[] {
  const { initial, ticks } = playersCase(2)
  const starts = [colyseus, ours, json].map((start) => () => start(initial))
  const checked = starts.map((start) => check(start(), initial, ticks))
  const times = medians(starts.map((start) => roundOf(start, ticks)))
  const figures = (metric: string, unit: string, valueAt: (at: number) => number) =>
    checked.map(({ name }, at) => ({
      bench: 'state',
      contestant: name,
      metric: `late join, players: ${metric}`,
      value: valueAt(at),
      unit,
    }))
  return [
    ...figures('bytes of a snapshot', 'B', (at) => checked[at]?.bytes ?? Number.NaN),
    ...figures(`encode for ${joinCount}`, 'µs', (at) => times[at]?.[0] ?? Number.NaN),
    ...figures('decode + apply + read in one', 'µs', (at) => times[at]?.[1] ?? Number.NaN),
  ]
}
