/** Moves what the log holds into the file: in a thread, since that waits for the disk twice. */
import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import type { Checkpoint } from './checkpoint-main.ts'

/** Pages of the log (4 KiB) after which the thread moves them. */
const duePages = 4_096
/**
 * Pages of the log from which on the thread doesn't catch up with the writer: the writer moves the
 * rest itself, so that the log can begin anew. Bounds the log at about twice as much.
 */
const behindPages = 16_384

const main = `./checkpoint-main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`

export class Checkpoints {
  readonly #path: string
  readonly #db: DatabaseSync
  readonly #onFault: (fault: unknown) => void
  #worker: Worker | undefined
  #isRunning = false
  #pages = 0

  /**
   * @param db the connection that writes
   * @param onFault told when the file can't be trusted any more
   */
  constructor(path: string, db: DatabaseSync, onFault: (fault: unknown) => void) {
    this.#path = path
    this.#db = db
    this.#onFault = onFault
  }

  /** So many pages more, at most, are in the log. */
  wrote(pages: number): void {
    this.#pages += pages
    if (this.#pages < duePages || this.#isRunning) return
    this.#pages = 0
    this.#isRunning = true
    this.#worker ??= this.#start()
    this.#worker.postMessage(undefined)
  }

  close(): void {
    this.#worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(new URL(main, import.meta.url), {
      name: 'sojourn checkpoints',
      workerData: this.#path,
      execArgv: ['--disable-warning=ExperimentalWarning'],
    })
    worker.unref()
    worker.on('message', (done: Checkpoint) => this.#done(done))
    worker.on('error', this.#onFault)
    return worker
  }

  #done({ fault, pages = 0 }: Checkpoint): void {
    this.#isRunning = false
    try {
      if (fault) throw fault
      if (pages > behindPages) this.#db.exec('PRAGMA wal_checkpoint(PASSIVE)')
    } catch (error) {
      this.#onFault(error)
    }
  }
}
