import type { Cluster, Redis } from 'ioredis'
import { type Clock, News } from '../../base/core/index.ts'

/**
 * Which sessions change, as the scripts publish it, heard on a connection of its own; from the
 * first question on. A server whose access list lets nobody publish or subscribe tells nothing:
 * nothing is ever current then, and everybody reads.
 */
export class Changes {
  readonly news: News
  readonly #client: Redis | Cluster
  readonly #channel: string
  #subscriber: Redis | undefined
  #isClosed = false

  /**
   * @param beat sends a beat through the channel, unless some change could not be told
   * @param clock the machine's: its beats are about the way to the server
   */
  constructor(
    client: Redis | Cluster,
    prefix: string,
    clock: Clock,
    beat: (text: string) => Promise<unknown>,
  ) {
    this.#client = client
    this.#channel = `${prefix}:changed`
    this.news = new News(clock, beat)
  }

  isCurrent(): boolean {
    const client = this.#client
    // A Cluster moves its subscribers from node to node without telling what got lost.
    if ('nodes' in client || this.#isClosed) return false
    this.#subscriber ??= this.#subscribe(client)
    return this.news.isCurrent()
  }

  close(): void {
    this.#isClosed = true
    this.news.close()
    this.#subscriber?.disconnect()
  }

  #subscribe(client: Redis): Redis {
    const subscriber = client.duplicate({ autoResubscribe: false, lazyConnect: false })
    subscriber.on('error', () => {})
    subscriber.on('ready', () => {
      subscriber.subscribe(this.#channel).then(
        // What was published while nobody listened is lost.
        () => this.news.restart(),
        () => {},
      )
    })
    subscriber.on('close', () => this.news.restart())
    subscriber.on('message', (_channel, text) => this.news.hear(text))
    return subscriber
  }
}
