import { describe, expect, it } from 'vitest'
import { systemClock } from '../base/core/index.ts'
import { every } from './every.ts'

const settle = () => new Promise((resolve) => setImmediate(resolve))

/** Calls what is due when it is told to. */
function handClock() {
  let due: (() => void)[] = []
  const after = (_: number, run: () => void): (() => void) => {
    due.push(run)
    return () => {
      due = due.filter((other) => other !== run)
    }
  }
  const turn = (): void => {
    for (const run of due.splice(0)) run()
  }
  return { ...systemClock, after, turn }
}

describe('every()', () => {
  it('goes on after a fault, which it reports', async () => {
    const clock = handClock()
    const faults: unknown[] = []
    let runs = 0
    const run = (): void => {
      runs += 1
      if (runs === 1) throw new Error('the disk is full')
    }
    every(clock, 100, run, (error) => faults.push(error))
    for (let n = 0; n < 3; n += 1) {
      clock.turn()
      await settle()
    }
    expect([runs, faults.length]).toEqual([3, 1])
  })

  it('does not go on when it was ended during a run', async () => {
    const clock = handClock()
    let runs = 0
    let finish = (): void => {}
    const end = every(
      clock,
      100,
      () => {
        runs += 1
        return new Promise<void>((resolve) => {
          finish = resolve
        })
      },
      () => {},
    )
    clock.turn()
    end()
    finish()
    await settle()
    clock.turn()
    expect(runs).toBe(1)
  })
})
