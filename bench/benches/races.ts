import { setTimeout as sleep } from 'node:timers/promises'
import { RedisServer } from '../../test/fakes/redis-server.ts'
import type { Bench, Figure } from '../figures.ts'
import { contestants } from '../web/contestants.ts'
import { cookiesAfter, serve } from '../web/served.ts'

const rounds = 50
/** The slow request has looked at its session by then, and isn't done. */
const logoutAfterMs = 10

/** The application of one contestant, as one browser sees it. */
class Browser {
  readonly #origin: string

  constructor(port: number) {
    this.#origin = `http://localhost:${port}`
  }

  get(path: string, cookie = ''): Promise<Response> {
    return fetch(this.#origin + path, { headers: { cookie } })
  }

  async keys(cookie: string): Promise<readonly string[]> {
    const response = await this.get('/keys', cookie)
    return response.ok ? ((await response.json()) as string[]) : []
  }

  async start(): Promise<string> {
    return cookiesAfter(await this.get('/seed?bytes=700'))
  }

  /** Two requests at once, each with a key of its own; how many of the two keys are missing. */
  async lostUpdates(): Promise<number> {
    let cookie = await this.start()
    const answers = await Promise.all(['a', 'b'].map((key) => this.get(`/add?key=${key}`, cookie)))
    for (const answer of answers) {
      if (!answer.ok) throw new Error(`an update was refused: ${answer.status}`)
      cookie = cookiesAfter(answer, cookie)
    }
    const keys = await this.keys(cookie)
    return ['a', 'b'].filter((key) => !keys.includes(key)).length
  }

  /** Whether a session is there again that a logout ended while another request was on its way. */
  async livesAgain(): Promise<boolean> {
    const cookie = await this.start()
    const slow = this.get('/slow', cookie)
    await sleep(logoutAfterMs)
    const out = await this.get('/logout', cookie)
    if (!out.ok) throw new Error(`the logout was refused: ${out.status}`)
    const keys = await this.keys(cookiesAfter(await slow, cookie))
    return keys.includes('preferences')
  }
}

async function figuresOf(contestant: string, redis: string): Promise<readonly Figure[]> {
  const served = await serve(contestant, redis)
  const browser = new Browser(served.port)
  let lost = 0
  let revived = 0
  try {
    for (let count = 0; count < rounds; count += 1) lost += await browser.lostUpdates()
    for (let count = 0; count < rounds; count += 1) revived += Number(await browser.livesAgain())
  } finally {
    await served.stop()
  }
  const figure = { bench: 'races', contestant, unit: `of ${rounds} rounds` }
  return [
    { ...figure, metric: 'lost updates', value: lost },
    { ...figure, metric: 'alive after logout', value: revived },
  ]
}

export const races: Bench = {
  name: 'races',
  about:
    'Parallel requests of one session. Two that each add another key, with 5 ms between look and write: how many ' +
    'keys were lost. A logout during another request of 20 ms: how often the session is there again with the ' +
    'cookies that a browser then has. Good: none and never.',
  async run() {
    const redis = await RedisServer.start()
    const figures: Figure[] = []
    try {
      for (const [name, { isBare }] of Object.entries(contestants))
        if (!isBare) figures.push(...(await figuresOf(name, redis.url)))
      return figures
    } finally {
      await redis.stop()
    }
  },
}
