import { isDeepStrictEqual } from 'node:util'
import { SojournError } from '../../base/core/index.ts'

/**
 * What stands after `before` became `mine`, carried out upon `newest`: only what differs is
 * written, key by key; what an array grew by is appended. A key that both wrote has the value of
 * `mine`. `undefined` means: not there.
 *
 * @throws SojournError `SESSION_CONFLICT` when what was changed inside is no longer there
 */
export function merge(before: unknown, mine: unknown, newest: unknown): unknown {
  if (isDeepStrictEqual(before, mine)) return newest
  if (isDeepStrictEqual(before, newest)) return mine
  // Both began the same container: what each put there stays.
  if (before === undefined && isPlain(mine) && isPlain(newest)) return merge({}, mine, newest)
  if (before === undefined && Array.isArray(mine) && Array.isArray(newest))
    return [...newest, ...mine]
  if (isPlain(before) && isPlain(mine)) {
    if (!isPlain(newest)) throw conflict()
    const names = new Set([...Object.keys(newest), ...Object.keys(mine)])
    const merged = [...names].map((name) => {
      const value = merge(own(before, name), own(mine, name), own(newest, name))
      return [name, value] as const
    })
    return Object.fromEntries(merged.filter(([, value]) => value !== undefined))
  }
  const grown = growth(before, mine)
  if (!grown) return mine
  if (!Array.isArray(newest)) throw conflict()
  return [...newest, ...grown]
}

function conflict(): SojournError {
  return new SojournError('SESSION_CONFLICT', 'A parallel request removed what was changed.')
}

function own(object: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What an array has more than before, when that is all that changed. */
function growth(before: unknown, mine: unknown): readonly unknown[] | undefined {
  if (!Array.isArray(before) || !Array.isArray(mine)) return undefined
  const isSameStart = isDeepStrictEqual(mine.slice(0, before.length), before)
  return isSameStart && mine.length > before.length ? mine.slice(before.length) : undefined
}
