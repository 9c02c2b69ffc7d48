/** What a write leaves with its request: the record, its token and the cookie. */
import { SojournError } from '../../base/core/index.ts'
import { hashToken, newToken } from '../../base/secrets/index.ts'
import { type Content, isRemembered } from './contents.ts'
import type { Core, Stage } from './core.ts'
import { draftOf } from './records.ts'
import type { SessionRecord } from './store.ts'

export interface Written<Data extends object> {
  readonly record: SessionRecord
  /** What its bytes were made of. */
  readonly content: Content<Data>
}

/** A browser would drop the cookie silently, so the write that needs it isn't even tried. */
export function checkCookie<Data extends object>({ policy }: Core<Data>, stage: Stage<Data>): void {
  if (stage.hasStarted) throw new SojournError('SESSION_COMMITTED', 'The headers have left.')
  if (stage.isForged) throw new SojournError('ORIGIN_FOREIGN')
  if (!stage.isSecure && policy.developmentPort === undefined)
    throw new SojournError('TLS_REQUIRED', 'A session cookie would leave over plain http.')
}

/** The token that somebody had to know in advance, or a new one. */
export function takeToken<Data extends object>({ random }: Core<Data>, stage: Stage<Data>): string {
  const token = stage.nextToken ?? newToken(random)
  stage.nextToken = undefined
  return token
}

export function enterNew<Data extends object>(
  core: Core<Data>,
  stage: Stage<Data>,
  written: Written<Data>,
  token: string,
): void {
  stage.tokenHash = hashToken(token)
  enterRecord(core, stage, written.record)
  remember(core, stage, written)
  stage.departure = undefined
  giveCookie(core, stage, token, written.record)
}

export function giveCookie<Data extends object>(
  core: Core<Data>,
  stage: Stage<Data>,
  token: string,
  record: SessionRecord | undefined,
): void {
  if (stage.isHeaderClient) return
  stage.setCookie = core.cookie.give(token, record && lifetimeOf(core, record))
}

/** How long the browser keeps the cookie; by default until it ends. The server keeps the time. */
function lifetimeOf<Data extends object>(
  { clock }: Core<Data>,
  { bytes, endsAtMs }: SessionRecord,
): number | undefined {
  return isRemembered(bytes) ? endsAtMs - clock.nowMs() : undefined
}

export function enterRecord<Data extends object>(
  core: Core<Data>,
  stage: Stage<Data>,
  record: SessionRecord,
): void {
  stage.draft.enter('stale')
  stage.draft = draftOf(core, record)
  stage.record = record
}

/** Where others may come between a write and its answer, what was written need not hold any more. */
export function remember<Data extends object>(
  { store, cache }: Core<Data>,
  { tokenHash }: Stage<Data>,
  { record, content }: Written<Data>,
): void {
  if (store.answersAtOnce && tokenHash !== undefined) cache.put(tokenHash, record, content)
}
