/** Yjs: a transaction per tick, its update in the first format. */
import * as Y from 'yjs'
import type { Change, Client, Contestant, Server } from './contestant.ts'
import type { Item, ListState, ListTick } from './list.ts'
import type { Player, PlayersState, PlayersTick } from './players.ts'

type Fields = Y.Map<string | number | boolean>
type Shape = 'players' | 'items'

const fieldsOf = (plain: Player | Item): Fields => new Y.Map(Object.entries(plain))

/** Yjs draws a client id of 32 bits at random; this one makes every run send as many bytes. */
const serverId = 0xb5297a4d

function serve<Tick>(doc: Y.Doc, change: Change<Y.Doc, Tick>): Server<Tick> {
  let update: Uint8Array | undefined
  doc.on('update', (bytes: Uint8Array) => {
    update = bytes
  })
  return {
    snapshot: () => Y.encodeStateAsUpdate(doc),
    send(tick) {
      doc.transact(() => change(doc, tick))
      return update!
    },
    state: () => doc.toJSON(),
  }
}

function join(snapshot: Uint8Array, shape: Shape): Client {
  const doc = new Y.Doc()
  const state = { [shape]: shape === 'players' ? doc.getMap(shape) : doc.getArray(shape) }
  const take = (update: Uint8Array) => Y.applyUpdate(doc, update)
  take(snapshot)
  return { take, state: () => state }
}

function movePlayers(doc: Y.Doc, tick: PlayersTick): void {
  const players = doc.getMap<Fields>('players')
  for (const { id, x, y } of tick) {
    const player = players.get(id)!
    player.set('x', x)
    player.set('y', y)
  }
}

function changeList(doc: Y.Doc, tick: ListTick): void {
  const items = doc.getArray<Fields>('items')
  if (tick.operation === 'insert') {
    items.insert(tick.index, [fieldsOf(tick.item)])
  } else if (tick.operation === 'toggle') {
    const item = items.get(tick.index)
    item.set('done', !item.get('done'))
  } else {
    // What was taken out cannot be put back: a copy goes in.
    const item = items.get(tick.from).clone()
    items.delete(tick.from)
    items.insert(tick.to, [item])
  }
}

function serverDoc(fill: (doc: Y.Doc) => void): Y.Doc {
  const doc = new Y.Doc()
  doc.clientID = serverId
  doc.transact(() => fill(doc))
  return doc
}

export const yjsPlayers: Contestant<PlayersState, PlayersTick> = {
  name: 'Yjs',
  serve({ players }) {
    const fill = (doc: Y.Doc) => {
      const map = doc.getMap<Fields>('players')
      for (const [id, player] of Object.entries(players)) map.set(id, fieldsOf(player))
    }
    return serve(serverDoc(fill), movePlayers)
  },
  join: (snapshot) => join(snapshot, 'players'),
}

export const yjsList: Contestant<ListState, ListTick> = {
  name: 'Yjs',
  serve({ items }) {
    const fill = (doc: Y.Doc) => doc.getArray<Fields>('items').insert(0, items.map(fieldsOf))
    return serve(serverDoc(fill), changeList)
  },
  join: (snapshot) => join(snapshot, 'items'),
}
