/** The working folders of keys: each its own, kept between runs. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { InstanceName } from '../../base/protocol/index.ts'

/** @param data folder of the platform's files; `':memory:'` keeps nothing */
export function foldersIn(data: string): (name: InstanceName) => string | undefined {
  if (data === ':memory:') return () => undefined
  // Keys are safe as names of folders: no slash, and neither `.` nor `..` (base/core/ids.ts).
  return ({ backend, key }) => {
    const folder = join(data, 'folders', backend, key)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return folder
  }
}
