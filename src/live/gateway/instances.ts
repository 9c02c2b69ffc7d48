/**
 * What runs behind the door, as the host tells it: every instance that runs, those that ended last,
 * and the last changes, so that who follows them can miss some.
 */
import { type Clock, isKey, type Log, limits, SojournError } from '../../base/core/index.ts'
import type {
  HostAnswer,
  HostQuestion,
  InstanceName,
  Phase,
  StatusChange,
  StopReason,
} from '../../base/protocol/index.ts'

/** How a run of an instance ended. */
export interface InstanceEnd {
  readonly reason: StopReason
  /** Wall time at the host. */
  readonly atMs: number
  /** What its process printed last, when it ended against its will; at most 2,000 characters. */
  readonly output?: string
}

/** One instance, as far as it is known outside of its process. */
export interface InstanceInfo extends InstanceName {
  readonly phase: Phase
  /** Since when it is in this phase; wall time. */
  readonly sinceMs: number
  /** Counter of the starts of this key. */
  readonly epoch: number
  /** Its process, as long as there is one. */
  readonly pid?: number
  /** Sockets that it has now. */
  readonly connections: number
  /** It crashed too often in a row, and is not started until it is stopped once. */
  readonly isParked: boolean
  /** How the last run of this key ended, if one did. */
  readonly lastEnd?: InstanceEnd
}

export interface InstancePage {
  /** In the order of backend and key. */
  readonly instances: readonly InstanceInfo[]
  /** Pass it as `after` for the next page; absent on the last one. */
  readonly next?: string
}

export interface ListInstances {
  /** Only those of this backend. */
  readonly backend?: string
  /** `next` of the page before. */
  readonly after?: string
  /** Instances of a page, 1 to 1,000. Default 100. */
  readonly limit?: number
}

/** One step in the life of an instance, with a number that only grows. */
export type InstanceChange = Omit<StatusChange, 'lastOutput'> & { readonly id: number }

/** `reset`: changes up to this id may be missing, so look at the list again. */
export type InstanceNews =
  | ({ readonly type: 'change' } & InstanceChange)
  | { readonly type: 'reset'; readonly id: number }

/** The instances of this server: what they do, and the means to end them. */
export interface Instances {
  /** Those that run, and up to 1,000 that ended last. RangeError for a limit out of bounds. */
  list(options?: ListInstances): InstancePage
  /** @throws SojournError `INSTANCE_UNKNOWN`, `BACKEND_UNKNOWN`, `KEY_MALFORMED` */
  get(backend: string, key: string): InstanceInfo
  /**
   * Ends it in good order, if it runs; a key that is parked may start again.
   *
   * @throws SojournError `BACKEND_UNKNOWN`, `KEY_MALFORMED`, `HOST_STOPPED` without an answer in 10 s
   */
  stop(backend: string, key: string): Promise<void>
  /**
   * The last lines that its process printed, oldest first, at most 65,536 characters. Instances that
   * share a process share them; of one that ended against its will the last 2,000 characters stay.
   *
   * @throws SojournError as `get` and `stop`
   */
  log(backend: string, key: string): Promise<readonly string[]>
  /**
   * Tells each change from now on. With `after`, the id of the last change that was heard, first
   * those since; or a `reset`, when they are not kept any more (the last 1,000 are).
   *
   * @returns ends it
   * @throws SojournError `CONNECTIONS_TOO_MANY` for more than 100 followers
   */
  follow(listener: (news: InstanceNews) => void, after?: number): () => void
}

export interface InstanceTableOptions {
  readonly isBackend: (name: string) => boolean
  /** Sockets by `<backend>/<key>`. */
  readonly connections: () => ReadonlyMap<string, number>
  readonly ask: (what: HostQuestion['what'], name: InstanceName) => Promise<HostAnswer>
  readonly clock: Clock
  readonly log: Log
}

interface Known {
  readonly change: StatusChange
  readonly lastEnd: InstanceEnd | undefined
}

const pageMax = 1_000

export class InstanceTable implements Instances {
  readonly #options: InstanceTableOptions
  readonly #running = new Map<string, Known>()
  readonly #ended = new Map<string, Known>()
  readonly #changes: InstanceChange[] = []
  readonly #followers = new Set<(news: InstanceNews) => void>()
  #lastId: number

  constructor(options: InstanceTableOptions) {
    this.#options = options
    // Ids of an earlier process are smaller than all of ours, so that a gap shows.
    this.#lastId = options.clock.nowMs()
  }

  list({ backend, after = '', limit = 100 }: ListInstances = {}): InstancePage {
    if (!(Number.isInteger(limit) && limit >= 1 && limit <= pageMax))
      throw new RangeError(`limit: ${limit} is not within 1 and ${pageMax}`)
    const found = [...this.#running, ...this.#ended]
      .filter(([id, { change }]) => id > after && (backend ?? change.backend) === change.backend)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    const counts = this.#options.connections()
    const page = found.slice(0, limit)
    const instances = page.map(([id, known]) => infoOf(known, counts.get(id)))
    const next = found.length > limit ? page.at(-1)?.[0] : undefined
    return { instances, ...(next !== undefined && { next }) }
  }

  get(backend: string, key: string): InstanceInfo {
    const id = this.#idOf({ backend, key })
    return infoOf(this.#known(id), this.#options.connections().get(id))
  }

  async stop(backend: string, key: string): Promise<void> {
    const id = this.#idOf({ backend, key })
    await this.#options.ask('end', { backend, key })
    const ended = this.#ended.get(id)
    if (ended?.change.isParked) this.#forgive(ended)
  }

  async log(backend: string, key: string): Promise<readonly string[]> {
    const known = this.#known(this.#idOf({ backend, key }))
    const { lines } = await this.#options.ask('log', { backend, key })
    return lines ?? known.lastEnd?.output?.split('\n') ?? []
  }

  follow(listener: (news: InstanceNews) => void, after?: number): () => void {
    if (this.#followers.size >= limits.statusFollowersMax)
      throw new SojournError('CONNECTIONS_TOO_MANY', 'Too many follow the status.')
    // A listener that is passed twice is two followers.
    const follower = (news: InstanceNews): void => this.#tell(listener, news)
    this.#followers.add(follower)
    if (after !== undefined) this.#replay(follower, after)
    return () => this.#followers.delete(follower)
  }

  /** Takes the host's word on a change. */
  take(change: StatusChange): void {
    const id = `${change.backend}/${change.key}`
    const { lastEnd } = this.#running.get(id) ?? this.#ended.get(id) ?? {}
    this.#running.delete(id)
    this.#ended.delete(id)
    if (change.phase === 'stopped') {
      this.#ended.set(id, { change, lastEnd: endOf(change) })
      if (this.#ended.size > limits.instancesEndedKept) this.#forgetOne()
    } else {
      this.#running.set(id, { change, lastEnd })
    }
    this.#note(change)
  }

  /** The host is gone: nothing runs, and the next one knows of no crashes. */
  hostLost(): void {
    const atMs = this.#options.clock.nowMs()
    for (const { change } of [...this.#running.values()])
      this.take({ ...change, phase: 'stopped', reason: 'host-lost', atMs })
    for (const known of [...this.#ended.values()]) if (known.change.isParked) this.#forgive(known)
  }

  #known(id: string): Known {
    const known = this.#running.get(id) ?? this.#ended.get(id)
    if (!known) throw new SojournError('INSTANCE_UNKNOWN')
    return known
  }

  #idOf({ backend, key }: InstanceName): string {
    if (!this.#options.isBackend(backend)) throw new SojournError('BACKEND_UNKNOWN')
    if (!isKey(key)) throw new SojournError('KEY_MALFORMED')
    return `${backend}/${key}`
  }

  #forgive({ change }: Known): void {
    this.take({ ...change, isParked: false, atMs: this.#options.clock.nowMs() })
  }

  /** The oldest of those that ended; one that somebody has to see to comes last. */
  #forgetOne(): void {
    const ids = [...this.#ended.keys()]
    const least = ids.find((id) => !this.#ended.get(id)?.change.isParked) ?? ids[0]
    if (least !== undefined) this.#ended.delete(least)
  }

  #note({ lastOutput: _, ...change }: StatusChange): void {
    this.#lastId += 1
    const noted = { ...change, id: this.#lastId }
    this.#changes.push(noted)
    if (this.#changes.length > limits.statusChangesKept) this.#changes.shift()
    for (const follower of this.#followers) follower({ type: 'change', ...noted })
  }

  #replay(follower: (news: InstanceNews) => void, after: number): void {
    const missed = this.#lastId - after
    if (missed >= 0 && missed <= this.#changes.length) {
      const changes = missed === 0 ? [] : this.#changes.slice(-missed)
      for (const change of changes) follower({ type: 'change', ...change })
    } else {
      follower({ type: 'reset', id: this.#lastId })
    }
  }

  #tell(listener: (news: InstanceNews) => void, news: InstanceNews): void {
    try {
      listener(news)
    } catch (error) {
      this.#options.log.error({ err: error }, 'a follower of the instances threw')
    }
  }
}

function infoOf({ change, lastEnd }: Known, connections = 0): InstanceInfo {
  const { backend, key, phase, atMs, epoch, pid, isParked = false } = change
  return {
    backend,
    key,
    phase,
    sinceMs: atMs,
    epoch,
    connections,
    isParked,
    ...(pid !== undefined && phase !== 'stopped' && { pid }),
    ...(lastEnd && { lastEnd }),
  }
}

function endOf({ reason = 'crashed', atMs, lastOutput }: StatusChange): InstanceEnd {
  return { reason, atMs, ...(lastOutput !== undefined && { output: lastOutput }) }
}
