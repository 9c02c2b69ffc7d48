/** Faults of ours, planted into a copy of the sources: what the checker must be able to see. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Fault } from './faults.ts'

/** A piece of the sources, and what stands there instead. */
export interface Patch {
  readonly file: string
  readonly text: string
  readonly instead: string
}

/**
 * Two instances of one key at a time. The lock of the data folder lets no second host in, and a
 * host starts each key once; so this is where a second owner has to come from.
 */
const twoOwners: Patch = {
  file: 'src/live/host/host.ts',
  text: 'const slot = this.#slots.get(id) ?? this.#open(id, name, user)',
  instead:
    'const found = Math.random() < 0.15 ? undefined : this.#slots.get(id)\n' +
    '      const slot = found ?? this.#open(id, name, user)',
}

/** A snapshot is the one thing that a late owner can write over what the next one has written. */
const manySnapshots: Patch = {
  file: 'src/base/core/limits.ts',
  text: 'recordsPerSnapshot: 1_000,',
  instead: 'recordsPerSnapshot: 4,',
}

/** A host that gathers for longer: what was not written yet has more time to get lost. */
const slowBatches: Patch = {
  file: 'src/app/host-main.ts',
  text: 'defer: setImmediate,',
  instead: 'defer: (run) => setTimeout(run, 60),',
}

/** Not faults: with these alone everything has to hold. */
export const conditions: Readonly<Record<string, readonly Patch[]>> = {
  'two owners of a key': [twoOwners, manySnapshots],
  'a host that writes late': [slowBatches],
}

export interface Plant {
  readonly patches: readonly Patch[]
  /** What brings it to light. */
  readonly faults: readonly Fault[]
}

export const plants: Readonly<Record<string, Plant>> = {
  'a journal that does not look at the claim': {
    patches: [
      twoOwners,
      manySnapshots,
      {
        file: 'src/stores/sqlite/journal.ts',
        text: 'FROM owners WHERE backend = ? AND key = ? AND epoch = ? AND nonce = ?`',
        instead: "FROM owners WHERE backend = ? AND key = ? AND ? > 0 AND ? <> ''`",
      },
    ],
    faults: ['sockets cut', 'sockets cut', 'instance killed'],
  },
  'a gate that is always open': {
    patches: [
      {
        file: 'src/live/backend/gate.ts',
        text: 'if (this.#sent === this.#written && this.#waiting.length === 0) show()',
        instead: 'if (this.#waiting.length === 0) show()',
      },
    ],
    faults: ['host frozen, then killed', 'host killed'],
  },
  'an action that runs again when it is sent again': {
    patches: [
      {
        file: 'src/live/backend/conversation.ts',
        text: 'if (recorded) {',
        instead: 'if (recorded && n < 0) {',
      },
    ],
    faults: ['sockets cut', 'instance killed'],
  },
  'a host that answers before it writes': {
    patches: [
      slowBatches,
      {
        file: 'src/live/host/process.ts',
        text: "tenant.write(request).then(\n        (written) => reply(written ? 'appended' : 'fenced'),",
        instead: "reply('appended')\n      tenant.write(request).then(\n        () => {},",
      },
    ],
    faults: ['host frozen, then killed', 'host killed'],
  },
}

const root = fileURLToPath(new URL('../../../', import.meta.url))
const copied = ['src', 'test/faults/history/application.ts', 'test/faults/history/backends']

export interface Copy {
  /** The application of the copy. */
  readonly main: URL
  remove(): void
}

/**
 * Copies the sources, inside of this repository so that packages are found, and patches them.
 *
 * @throws Error when a text is not there, or more than once: it has to be looked at again
 */
export function plant(patches: readonly Patch[]): Copy {
  mkdirSync(join(root, 'test-results'), { recursive: true })
  const folder = mkdtempSync(join(root, 'test-results/planted-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const filter = (path: string): boolean => !path.endsWith('.test.ts')
    for (const path of copied)
      cpSync(join(root, path), join(folder, path), { recursive: true, filter })
    for (const patch of patches) change(folder, patch)
  } catch (error) {
    remove()
    throw error
  }
  return { main: pathToFileURL(join(folder, 'test/faults/history/application.ts')), remove }
}

function change(folder: string, { file, text, instead }: Patch): void {
  const path = join(folder, file)
  const pieces = readFileSync(path, 'utf8').split(text)
  if (pieces.length !== 2) throw new Error(`${file} has ${pieces.length - 1} times: ${text}`)
  writeFileSync(path, pieces.join(instead))
}
