import { type AddedHeaders, givesCookie, isAboutReaders } from './headers.ts'
import type { Problem } from './problem.ts'
import type { Visit } from './visit.ts'

/**
 * The response barrier for frameworks whose handlers return a `Response`: stores the session, then
 * returns what may leave, which is the answer for the error when the commit failed.
 */
export async function sealResponse<Data extends object>(
  visit: Visit<Data>,
  response: Response,
  problem: (error: unknown) => Problem,
): Promise<Response> {
  try {
    await visit.commit()
    const headers = visit.start()
    // A body that is streamed from now on can't be waited for.
    visit.seal()
    return withHeaders(response, headers)
  } catch (error) {
    await response.body?.cancel()
    const cookies = visit.start().filter(([name]) => name === 'set-cookie')
    return withHeaders(problemResponse(problem(error), response.headers), cookies)
  }
}

/**
 * The `Response` of a problem.
 *
 * @param replaced the headers of the answer in whose place it is given
 */
export function problemResponse(
  { status, headers, body }: Problem,
  replaced: Headers = new Headers(),
): Response {
  const kept = [...replaced].filter(([name]) => isAboutReaders(name))
  return new Response(body, { status, headers: { ...Object.fromEntries(kept), ...headers } })
}

/** Headers of a response may be immutable (redirects, fetched ones), so it is copied. */
function withHeaders(response: Response, added: AddedHeaders): Response {
  if (added.length === 0) return response
  const sealed = new Response(response.body, response)
  for (const [name, value] of added) {
    if (name === 'set-cookie') sealed.headers.append(name, value)
    else if (givesCookie(added) || !sealed.headers.has(name)) sealed.headers.set(name, value)
  }
  return sealed
}
