/**
 * Answers what takes long in a thread of its own, which reads the same file: SQLite answers at
 * once, and a thread that serves requests can't wait for that.
 */
import { Worker } from 'node:worker_threads'
import { type Clock, SojournError } from '../../base/core/index.ts'
import { Line } from '../line.ts'
import type { Ask } from './event-figures.ts'
import type { Answer, Question } from './figures-main.ts'

/** How long a question waits for its turn, and then for its answer. */
const answerMs = 30_000

const main = `./figures-main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`

/**
 * At most one thread, started at the first question. While nothing is asked it keeps no process
 * alive. One that ended, whatever the reason, is followed by another at the next question.
 */
export class FiguresThread {
  readonly #path: string
  readonly #clock: Clock
  readonly #line: Line
  #worker: Worker | undefined
  /** Settles the question that is being answered. */
  #settle: ((answer: Answer) => void) | undefined
  /** The thread was told to end: it does once SQLite lets it. */
  #isLeaving = false
  #isClosed = false

  /** @param path of a file that exists, with the schema of the events */
  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
    this.#line = new Line(clock, answerMs)
  }

  /** Every failure is `STORE_UNAVAILABLE`: of the file, of the thread, of the time it takes. */
  readonly ask: Ask = ((name, ...values) =>
    this.#line.run(() => this.#answer({ name, values }))) as Ask

  /** Ends the thread; what is asked, and what will be, is `STORE_UNAVAILABLE`. */
  close(): void {
    this.#isClosed = true
    this.#giveUp('The store is closed.')
  }

  async #answer(question: Question): Promise<unknown> {
    if (this.#isClosed) throw new SojournError('STORE_UNAVAILABLE', 'The store is closed.')
    if (this.#isLeaving)
      throw new SojournError('STORE_UNAVAILABLE', 'The last question was given up, but runs still.')
    const answer = await new Promise<Answer>((resolve) => {
      const cancel = this.#clock.after(answerMs, () =>
        this.#giveUp(`A question was not answered within ${answerMs} ms.`),
      )
      this.#settle = (given) => {
        this.#settle = undefined
        cancel()
        resolve(given)
      }
      try {
        this.#worker ??= this.#start()
        this.#worker.ref()
        this.#worker.postMessage(question)
      } catch (fault) {
        this.#settle({ fault })
      }
    })
    this.#worker?.unref()
    if ('found' in answer) return answer.found
    throw new SojournError('STORE_UNAVAILABLE', answer.detail, { cause: answer.fault })
  }

  #start(): Worker {
    const worker = new Worker(new URL(main, import.meta.url), {
      name: 'sojourn figures',
      workerData: this.#path,
      // This thread has said already what Node has to say of SQLite.
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    let fault: unknown
    worker.on('message', (answer: Answer) => this.#settle?.(answer))
    worker.on('error', (error) => {
      fault = error
    })
    worker.on('exit', () => {
      this.#worker = undefined
      this.#isLeaving = false
      this.#settle?.({ fault, detail: 'The thread that answers has ended.' })
    })
    return worker
  }

  #giveUp(detail: string): void {
    this.#isLeaving = this.#worker !== undefined
    this.#worker?.terminate()
    this.#settle?.({ detail })
  }
}
