/** Serves one contestant until its parent says stop, or is gone. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contestants, type Name } from './contestants.ts'
import type { Serve } from './servers/server.ts'

const [name, port] = process.argv.slice(2)
const { technology, mode } = contestants[name as Name]
const data = mkdtempSync(join(tmpdir(), 'live-bench-'))
process.on('exit', () => rmSync(data, { recursive: true, force: true }))

async function start(): Promise<() => Promise<void>> {
  const { serve } = (await import(`./servers/${technology}.ts`)) as { serve: Serve }
  return await serve({ port: Number(port), data, mode })
}

async function end(stop: () => Promise<void>): Promise<void> {
  await stop().catch(console.error)
  process.exit(0)
}

// These are sent to the whole group; our parent's end is what counts.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {})
start().then(
  (stop) => {
    process.on('message', () => end(stop))
    process.on('disconnect', () => end(stop))
    process.send?.('ready')
  },
  (error: Error) => {
    process.send?.(error.message)
    process.exit(1)
  },
)
