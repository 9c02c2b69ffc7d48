/** The working folders of keys: each its own, kept between runs. */
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { InstanceName } from '../../base/protocol/index.ts'

/** @param data folder of the platform's files; `':memory:'` keeps nothing */
export function foldersIn(data: string): (name: InstanceName) => string | undefined {
  if (data === ':memory:') return () => undefined
  // A process that works in its folder has to find it by the same name.
  const root = resolve(data, 'folders')
  // Keys are safe as names of folders: no slash, and neither `.` nor `..` (base/core/ids.ts).
  return ({ backend, key }) => {
    const folder = join(root, backend, key)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return folder
  }
}
