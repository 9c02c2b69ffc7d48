/** The headers of a response: those that its session adds, and those that `writeHead` is given. */
import type { OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http'

/** What a response gets from its session. */
export type AddedHeaders = readonly (readonly [
  name: 'set-cookie' | 'cache-control' | 'referrer-policy',
  value: string,
])[]

/** A cache that kept such an answer would hand one visitor's cookie to others. */
export function givesCookie(added: AddedHeaders): boolean {
  return added.some(([name]) => name === 'set-cookie')
}

/**
 * Whether a header tells who may read an answer. That holds for the answer of an error in its place
 * too: without it a page of another origin learns nothing, not even that it may try again.
 */
export function isAboutReaders(name: string): boolean {
  return name.startsWith('access-control-') || name === 'vary'
}

/** What `writeHead` takes as headers. */
export type HeadersGiven = OutgoingHttpHeaders | readonly unknown[]

/** Headers as `writeHead` takes them: an object, a flat list, or a list of pairs. */
export function pairsOf(given: HeadersGiven): Map<string, OutgoingHttpHeader> {
  const pairs = new Map<string, OutgoingHttpHeader>()
  if (!Array.isArray(given)) return new Map(Object.entries(given) as [string, string][])
  const flat: unknown[] = Array.isArray(given[0]) ? given.flat() : given
  for (let index = 0; index + 1 < flat.length; index += 2) {
    const [name, value] = [String(flat[index]), flat[index + 1] as string]
    const earlier = pairs.get(name) as string | string[] | undefined
    pairs.set(name, earlier === undefined ? value : [earlier, value].flat())
  }
  return pairs
}
