/** Measures what it takes to send the ticks of a scenario, and to follow them on a client. */
import assert from 'node:assert/strict'
import type { Figure } from '../figures.ts'
import type { Change, Client, Contestant } from './contestant.ts'
import { plainCopy } from './plain-copy.ts'
import { collectGarbage, medians, msOf, type Round } from './rounds.ts'

export interface Scenario<State, Tick> {
  readonly name: string
  readonly initial: State
  readonly ticks: readonly Tick[]
  readonly change: Change<State, Tick>
  readonly contestants: readonly Contestant<State, Tick>[]
}

interface Recording {
  readonly snapshot: Uint8Array
  readonly frames: readonly Uint8Array[]
  /**
   * Both ends, which stay: a program that serves always has a state. Engines throw the code away
   * that was compiled for objects once none of their kind is left.
   */
  readonly ends: readonly unknown[]
}

/** Runs the ticks once and compares both ends with a plain state that went through the same. */
function record<State, Tick>(
  { name, initial, ticks, change }: Scenario<State, Tick>,
  contestant: Contestant<State, Tick>,
): Recording {
  const expected = structuredClone(initial)
  for (const tick of ticks) change(expected, tick)
  const server = contestant.serve(initial)
  const snapshot = server.snapshot().slice()
  const client = contestant.join(snapshot)
  const frames = ticks.map((tick) => {
    const frame = server.send(tick).slice()
    client.take(frame)
    return frame
  })
  const message = `${name}: ${contestant.name}`
  assert.deepStrictEqual(plainCopy(server.state()), expected, message)
  if (contestant.diverges) assert.notDeepStrictEqual(plainCopy(client.state()), expected, message)
  else assert.deepStrictEqual(plainCopy(client.state()), expected, message)
  return { snapshot, frames, ends: [server, client] }
}

function roundOf<State, Tick>(
  { initial, ticks }: Scenario<State, Tick>,
  contestant: Contestant<State, Tick>,
  { snapshot, frames }: Recording,
): Round {
  return () => {
    const server = contestant.serve(initial)
    collectGarbage()
    const sendMs = msOf(() => {
      for (const tick of ticks) server.send(tick)
    })
    const taking = joined(contestant, snapshot)
    collectGarbage()
    const takeMs = msOf(() => {
      for (const frame of frames) taking.take(frame)
    })
    const reading = joined(contestant, snapshot)
    collectGarbage()
    const readMs = msOf(() => {
      for (const frame of frames) {
        reading.take(frame)
        if (reading.state() === undefined) throw new Error(`${contestant.name} shows no state`)
      }
    })
    return [sendMs, takeMs, readMs].map((ms) => (ms * 1_000) / ticks.length)
  }
}

/** A client whose first state was read already, so that there is one to keep up to date. */
function joined<State, Tick>(contestant: Contestant<State, Tick>, snapshot: Uint8Array): Client {
  const client = contestant.join(snapshot)
  client.state()
  return client
}

/** The bytes of a tick and the time on both ends. */
export function follow<State, Tick>(scenario: Scenario<State, Tick>): Figure[] {
  const { contestants, ticks } = scenario
  const recordings = contestants.map((contestant) => record(scenario, contestant))
  const times = medians(
    contestants.map((contestant, at) => roundOf(scenario, contestant, recordings[at]!)),
  )
  const figures = (metric: string, unit: string, valueAt: (at: number) => number) =>
    contestants.map(({ name }, at) => ({
      bench: 'state',
      contestant: name,
      metric: `${scenario.name}: ${metric}`,
      value: valueAt(at),
      unit,
    }))
  const sizeOf = ({ frames }: Recording) => frames.reduce((sum, { length }) => sum + length, 0)
  return [
    ...figures('bytes a tick', 'B', (at) => sizeOf(recordings[at]!) / ticks.length),
    ...figures('mutate + encode', 'µs', (at) => times[at]?.[0] ?? Number.NaN),
    ...figures('decode + apply', 'µs', (at) => times[at]?.[1] ?? Number.NaN),
    ...figures('decode + apply + read', 'µs', (at) => times[at]?.[2] ?? Number.NaN),
  ]
}
