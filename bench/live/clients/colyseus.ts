import { Client, type Room } from '@colyseus/sdk'
import type { Join } from './client.ts'

/** The next time that a patch or the state came. */
class Changes {
  #waiting: (() => void)[] = []

  constructor(room: Room) {
    room.onStateChange(() => {
      // One patch for each message, in order: it answers the oldest.
      this.#waiting.shift()?.()
    })
  }

  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

export const join: Join = async ({ port, kind, key, onBack }) => {
  const room: Room = await new Client(`ws://127.0.0.1:${port}`).joinOrCreate(kind, { key })
  const changes = new Changes(room)
  await changes.next()
  room.onReconnect(() => onBack?.())
  return {
    add() {
      const answered = changes.next()
      room.send('add')
      return answered
    },
    move: () => room.send('move'),
    close() {
      room.reconnection.enabled = false
      void room.leave()
    },
  }
}
