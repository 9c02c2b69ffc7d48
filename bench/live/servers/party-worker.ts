/** The worker that workerd runs: a durable object for each key. */
import { routePartykitRequest, Server } from 'partyserver'
import { movePlayers, openPlayers } from './players.ts'

/** What memory holds may be lost with the process. */
export class Counter extends Server {
  #count = 0

  override onConnect(connection: { send(text: string): void }) {
    connection.send(JSON.stringify({ count: this.#count }))
  }

  override onMessage(connection: { id: string; send(text: string): void }, message: string) {
    const { n } = JSON.parse(message)
    this.#count += 1
    this.save(this.#count)
    this.broadcast(JSON.stringify({ count: this.#count }), [connection.id])
    connection.send(JSON.stringify({ n, count: this.#count }))
  }

  protected save(_count: number): void {}
}

/** What it sends waits at the output gate until SQLite has the row. */
export class Durable extends Counter {
  override onStart() {
    this.ctx.storage.sql.exec('create table if not exists counter (id integer primary key, n int)')
  }

  protected override save(count: number): void {
    this.ctx.storage.sql.exec('insert or replace into counter values (1, ?)', count)
  }
}

export class Players extends Server {
  readonly #work = openPlayers()

  override onConnect(connection: { send(text: string): void }) {
    connection.send(JSON.stringify({ players: this.#work.players }))
  }

  override onMessage() {
    const tick = this.#work.next()
    movePlayers(this.#work, tick)
    this.broadcast(JSON.stringify({ moved: tick.map(({ id, x, y }) => [id, x, y]) }))
  }
}

export default {
  fetch: async (request: Request, env: never) =>
    (await routePartykitRequest(request, env)) ?? new Response(null, { status: 404 }),
}
