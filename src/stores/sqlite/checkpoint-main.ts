/** What runs in the thread of `Checkpoints`. */
import { parentPort, workerData } from 'node:worker_threads'
import { openBeside } from './open.ts'

/** What became of a checkpoint: the pages that the log held, or why it failed. */
export interface Checkpoint {
  readonly pages?: number
  readonly fault?: unknown
}

const db = openBeside(String(workerData))
// It waits for nobody, and nobody for it.
const move = db.prepare('PRAGMA wal_checkpoint(PASSIVE)')

parentPort?.on('message', () => parentPort?.postMessage(checkpoint()))

function checkpoint(): Checkpoint {
  try {
    const { log } = move.get() as { log: number }
    return { pages: log }
  } catch (fault) {
    return { fault }
  }
}
