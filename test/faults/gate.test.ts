/** The journal is held shut (its host is stopped): nothing of what it does not have leaves. */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import {
  encodeFromClient,
  parseFromInstance,
  protocolVersion,
} from '../../src/base/protocol/index.ts'
import { instancesOf, isAlive, until } from '../e2e/scratch.ts'
import { type LogLive, openWorld, type World } from './world.ts'

let world: World
afterEach(() => world.close())

const isLive = (live: LogLive) => until(() => live.status === 'live', 'live')

it.each(['SIGCONT', 'SIGKILL'] as const)(
  'I15, F8: no frame, event, answer, HTTP response or snapshot overtakes the journal, until its host gets %s',
  async (signal) => {
    world = await openWorld()
    const [actor, other] = [world.connect('a'), world.connect('a')]
    await Promise.all([actor, other].map(isLive))
    await actor.actions.append('seen')
    await expect.poll(() => other.state?.entries).toEqual(['seen'])
    const late = new WebSocket(`ws://localhost:${world.port}/live/log/a`, {
      origin: 'http://localhost',
    })
    const said: unknown[] = []
    late.on('message', (bytes: Buffer) => said.push(parseFromInstance(new Uint8Array(bytes)).type))
    await once(late, 'open')
    // The request is with its instance, and appends only after the journal was shut.
    const answer = fetch(`http://localhost:${world.port}/live/log/a/later?entry=by-http`, {
      method: 'POST',
    }).then(
      (response) => response.text(),
      () => 'cut',
    )
    const shown: unknown[] = []
    const show = (what: unknown) => shown.push(what)
    await pause(200)
    const host = instancesOf(process.pid)[0]?.parent ?? 0
    process.kill(host, 'SIGSTOP')
    try {
      const first = actor.actions.append('hidden')
      first.then(show, () => {})
      other.on('said', show)
      actor.actions.announce('hidden too').then(show, () => {})
      late.send(encodeFromClient({ type: 'hello', version: protocolVersion, acked: 0 }))
      answer.then(show)
      await pause(1_500)
      expect([shown, said]).toEqual([[], []])
      expect(other.state?.entries).toEqual(['seen'])
      process.kill(host, signal)
      // Known by its id, it is answered once, by whichever process.
      expect(await first).toBe(signal === 'SIGCONT' ? 3 : 2)
    } finally {
      if (isAlive(host)) process.kill(host, 'SIGCONT')
    }
    if (signal === 'SIGCONT') {
      // After a crash an event reaches who is back by then: it is no state.
      await until(() => shown.includes('hidden too'), 'the event is heard')
      await until(() => said.length > 0, 'welcome')
      expect(await answer).toBe('2')
      expect(actor.state?.entries).toEqual(['seen', 'by-http', 'hidden'])
    } else expect(actor.state?.entries.slice(0, 2)).toEqual(['seen', 'hidden'])
    late.terminate()
  },
)
