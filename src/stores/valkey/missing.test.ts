import { expect, it, vi } from 'vitest'
import { openValkey } from './index.ts'

vi.mock('ioredis', () => {
  throw new Error('Cannot find package')
})

it('says which package to install when ioredis is missing', async () => {
  const opening = openValkey({ url: 'redis://127.0.0.1:1' })
  await expect(opening).rejects.toThrow(TypeError)
  await expect(openValkey({ url: 'redis://127.0.0.1:1' })).rejects.toThrow('npm install ioredis')
})
