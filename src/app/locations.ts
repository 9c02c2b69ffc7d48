/** Where instances are: asked of the host once for all who need one at about the same time. */
import { type Clock, limits } from '../base/core/index.ts'
import type { InstanceName } from '../base/protocol/index.ts'
import type { HostLink, Located } from '../live/gateway/gateway.ts'

interface Place {
  readonly located: Promise<Located>
  users: number
  /** Whether whoever comes next may use it too. */
  isKnown: boolean
  /** Calls off that it is given back. */
  cancel: () => void
}

export interface LocationsOptions {
  readonly clock: Clock
  /** Asks the host. */
  readonly locate: HostLink['locate']
}

/**
 * Two messages between processes for each request would cost more than the request itself. Bounded
 * by the requests in flight, and those of the last `limits.locatedKeptMs`.
 */
export class Locations {
  readonly #options: LocationsOptions
  readonly #places = new Map<string, Place>()

  constructor(options: LocationsOptions) {
    this.#options = options
  }

  /** As `HostLink.locate`; the host hears of the last release only, and a moment later. */
  async locate(name: InstanceName, user: string | undefined): Promise<Located> {
    const id = idOf(name)
    const place = this.#places.get(id) ?? this.#open(id, name, user)
    place.users += 1
    place.cancel()
    let isReleased = false
    const release = (): void => {
      if (!isReleased) this.#leave(id, place)
      isReleased = true
    }
    try {
      const { address, instance } = await place.located
      return { address, instance, release }
    } catch (error) {
      release()
      throw error
    }
  }

  /** This instance ends: whoever comes from now on asks anew. */
  forget(name: InstanceName): void {
    const id = idOf(name)
    const place = this.#places.get(id)
    if (place) this.#drop(id, place)
  }

  /** The host is gone, and with it what it was asked to keep awake. */
  forgetAll(): void {
    for (const [id, place] of this.#places) this.#drop(id, place)
  }

  #open(id: string, name: InstanceName, user: string | undefined): Place {
    const located = this.#options.locate(name, user)
    const place: Place = { located, users: 0, isKnown: true, cancel: () => {} }
    this.#places.set(id, place)
    located.catch(() => this.#drop(id, place))
    return place
  }

  #leave(id: string, place: Place): void {
    place.users -= 1
    if (place.users > 0) return
    if (place.isKnown)
      place.cancel = this.#options.clock.after(limits.locatedKeptMs, () => this.#drop(id, place))
    else giveBack(place)
  }

  #drop(id: string, place: Place): void {
    if (!place.isKnown) return
    place.isKnown = false
    place.cancel()
    this.#places.delete(id)
    if (place.users === 0) giveBack(place)
  }
}

function giveBack({ located }: Place): void {
  located.then(
    ({ release }) => release(),
    () => {},
  )
}

const idOf = ({ backend, key }: InstanceName): string => `${backend}/${key}`
