import { describe, expect, it } from 'vitest'
import { limits } from '../../base/core/index.ts'
import { virtualClock } from '../../testing/index.ts'
import { Turns } from './turns.ts'

describe('Turns', () => {
  it('lets no turn begin before the one ahead is over', async () => {
    const turns = new Turns({ clock: virtualClock() })
    const seen: string[] = []
    const turn = (name: string) =>
      turns.hold(async () => {
        seen.push(`${name} in`)
        await turns.run(() => new Promise<void>((resolve) => setImmediate(resolve)))
        seen.push(`${name} out`)
      })
    await Promise.all([turn('a'), turn('b')])
    expect(seen).toEqual(['a in', 'a out', 'b in', 'b out'])
  })

  it('goes on after a turn that failed', async () => {
    const turns = new Turns({ clock: virtualClock() })
    await expect(turns.hold(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await expect(turns.hold(async () => 'yes')).resolves.toBe('yes')
  })

  it('guards against writes outside of a turn, and after it', async () => {
    const turns = new Turns({ clock: virtualClock() })
    expect(() => turns.guard()).toThrow(expect.objectContaining({ code: 'TURN_OVER' }))
    let later = (): void => {}
    await turns.run(() => {
      turns.guard()
      later = () => turns.guard()
    })
    await turns.run(() => expect(later).not.toThrow())
    let escaped: Promise<unknown> = Promise.resolve()
    await turns.run(() => {
      escaped = new Promise((resolve) => setImmediate(resolve)).then(() => turns.guard())
    })
    await expect(turns.run(() => escaped)).rejects.toMatchObject({ code: 'TURN_OVER' })
  })

  it('takes the turn from a handler that holds it too long', async () => {
    const clock = virtualClock()
    const turns = new Turns({ clock })
    let write = (): void => {}
    const slow = turns.hold(() =>
      turns.run(
        () =>
          new Promise<void>((resolve) => {
            write = () => {
              turns.guard()
              resolve()
            }
          }),
      ),
    )
    const next = turns.hold(async () => 'next')
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(limits.turnMs)
    await expect(slow).rejects.toMatchObject({ code: 'TURN_TIMEOUT' })
    await expect(next).resolves.toBe('next')
    expect(write).toThrow(expect.objectContaining({ code: 'TURN_OVER' }))
  })

  it('waits for whatever can be awaited, but not longer', async () => {
    const clock = virtualClock()
    const turns = new Turns({ clock })
    // biome-ignore lint/suspicious/noThenProperty: query builders are such objects
    const query = { then: () => {} } as unknown as Promise<void>
    const held = turns.run(() => query)
    clock.advance(limits.turnMs)
    await expect(held).rejects.toMatchObject({ code: 'TURN_TIMEOUT' })
  })

  it('bounds the queue', async () => {
    const turns = new Turns({ clock: virtualClock() })
    // One holds the turn, the others wait for it.
    const waiting = Array.from({ length: limits.turnsWaitingMax + 1 }, () =>
      turns.hold(async () => {}),
    )
    await expect(turns.hold(async () => {})).rejects.toMatchObject({ code: 'ACTIONS_TOO_MANY' })
    await Promise.all(waiting)
  })
})
