/**
 * Random scripts over a state with three audiences, and followers that see some of them: who join
 * late, lose their connection and resume, lose an audience and gain it again.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  expectSame,
  fuzzRuns,
  play,
  type State,
  scriptOf,
  start,
  type Turn,
} from '../../../test/fakes/state-scripts.ts'
import {
  type Replica,
  replica,
  restoreByAudience,
  type TrackedByAudience,
  trackByAudience,
} from './index.ts'
import { plainCopy } from './values.ts'

const audiences = ['everyone', 'group:1', 'user:7'] as const
type Audience = (typeof audiences)[number]
type Keys = Record<string, unknown>

function audienceOf(key: string): Audience {
  if (key === 'a' || key === 'k') return 'everyone'
  return key === 'map' || key === 'x' ? 'user:7' : 'group:1'
}

/** What somebody sees who belongs to these audiences, in their order. */
function seenBy(model: State, seen: Iterable<Audience>): Keys {
  const parts = Array.from(seen, (audience) =>
    Object.fromEntries(Object.entries(model).filter(([key]) => audienceOf(key) === audience)),
  )
  return Object.assign({}, ...parts) as Keys
}

/** A client of some audiences; while it is away its frames pile up. */
class Follower {
  readonly replica: Replica<Keys> = replica()
  readonly audiences = new Set<Audience>()
  missed: ReadonlyMap<string, Uint8Array>[] | undefined

  enter(tracked: TrackedByAudience<State>, audience: Audience): void {
    if (this.audiences.has(audience)) return
    this.audiences.add(audience)
    expect(this.replica.apply(tracked.snapshot(audience), audience)).toBe('applied')
  }
  leave(audience: Audience): void {
    this.audiences.delete(audience)
    this.replica.leave(audience)
  }
  take(frames: ReadonlyMap<string, Uint8Array>): void {
    if (this.missed) {
      this.missed.push(frames)
      return
    }
    for (const audience of this.audiences) {
      const frame = frames.get(audience)
      if (!frame) continue
      expect(this.replica.apply(frame, audience)).toBe('applied')
      expect(this.replica.apply(frame, audience)).toBe('duplicate')
    }
  }
  /** Comes back: by the frames it missed, or by snapshots when they are too many. */
  comeBack(tracked: TrackedByAudience<State>): void {
    const missed = this.missed ?? []
    this.missed = undefined
    if (missed.length < 3) for (const frames of missed) this.take(frames)
    else
      for (const audience of this.audiences)
        this.replica.apply(tracked.snapshot(audience), audience)
  }
}

class World {
  model = start()
  tracked = trackByAudience(start(), audienceOf)
  readonly stored = new Map(
    audiences.map((audience) => {
      const frames: Uint8Array[] = []
      return [audience as string, { snapshot: this.tracked.snapshot(audience), frames }]
    }),
  )
  readonly followers: Follower[] = []
  held: [unknown[], unknown[]] = [[], []]

  constructor() {
    this.join(audiences)
    this.join(['everyone', 'user:7'])
  }
  join(seen: Iterable<Audience>): void {
    const follower = new Follower()
    for (const audience of seen) follower.enter(this.tracked, audience)
    this.followers.push(follower)
  }
  turn({ ops, end, who }: Turn): void {
    const before = plainCopy(this.model) as State
    const done = play(this.model, this.tracked.state, ops, this.held)
    const frames = done && end !== 'rollback' ? this.flush() : undefined
    if (frames) for (const follower of this.followers) follower.take(frames)
    else this.rollback(before)
    this.happen(end, who)
    // Some look at every frame, some rarely: what they see is to be the same.
    for (const [n, follower] of this.followers.entries())
      if (!follower.missed && (who + n) % 3 > 0)
        expectSame(follower.replica.state ?? {}, seenBy(this.model, follower.audiences))
  }
  flush(): ReadonlyMap<string, Uint8Array> | undefined {
    try {
      const frames = this.tracked.flush()
      for (const [audience, frame] of frames) this.stored.get(audience)?.frames.push(frame)
      expectSame(this.tracked.state, this.model)
      return frames
    } catch (error) {
      expect(error).toMatchObject({ code: 'STATE_UNSUPPORTED' })
      return undefined
    }
  }
  rollback(before: State): void {
    this.tracked.rollback()
    expectSame(this.tracked.state, before)
    this.model = before
    this.held = [[], []]
  }
  happen(end: string, who: number): void {
    const follower = this.followers[who % this.followers.length] as Follower
    const audience = audiences[who % audiences.length] as Audience
    if (end === 'join') this.join([audience])
    else if (end === 'enter' && !follower.missed) follower.enter(this.tracked, audience)
    else if (end === 'leave' && !follower.missed) follower.leave(audience)
    else if (end === 'go away') follower.missed ??= []
    else if (end === 'come back') for (const one of this.followers) one.comeBack(this.tracked)
    else if (end === 'restore') {
      this.tracked = restoreByAudience(this.stored, audienceOf)
      this.model = seenBy(this.model, audiences) as State
      expectSame(this.tracked.state, this.model)
      this.held = [[], []]
    }
  }
}

describe('random scripts with audiences', () => {
  it('leave every follower equal to its part of the plain state', () => {
    const ends = ['rollback', 'restore', 'join', 'enter', 'leave', 'go away', 'come back']
    fc.assert(
      fc.property(scriptOf(ends), (turns) => {
        const world = new World()
        for (const turn of turns) world.turn(turn)
        world.happen('come back', 0)
        for (const { replica: seen, audiences } of world.followers)
          expectSame(seen.state ?? {}, seenBy(world.model, audiences))
      }),
      fuzzRuns('audiences', 2_000),
    )
  })
})
