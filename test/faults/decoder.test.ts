/** The decoders against bytes that nobody wrote: within bounded time and memory, without a trace. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'

const heapMbMax = 48

it('F53, I23: decodes or refuses 100,000 byte strings within a small heap', async () => {
  const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31)
  console.log(`byte strings from seed ${seed}`)
  const worker = new Worker(new URL('./decoder-attack.ts', import.meta.url), {
    workerData: { seed, strings: 100_000 },
    resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const [counts] = (await once(worker, 'message')) as [Record<string, unknown>]
  await worker.terminate()
  expect(counts['ownKeys']).toEqual(Reflect.ownKeys(Object.prototype).map(String))
  expect(counts['taken']).toBeGreaterThan(10_000)
  expect(counts['refused']).toBeGreaterThan(100_000)
})
