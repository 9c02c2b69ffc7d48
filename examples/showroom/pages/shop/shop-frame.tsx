import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import type { SessionView } from '../../visitor/visitor.ts'
import { Header } from '../shared/header.tsx'
import type { Visit } from '../shared/visit.ts'
import { Preferences } from './preferences.tsx'
import { words as allWords } from './words/languages.ts'
import type { Words } from './words/words.ts'

export interface ShopProps {
  readonly visit: Visit
  readonly view: SessionView
  readonly words: Words
}

/** What every page of the shop has: head, theme, language, and a place for what went wrong. */
export function ShopFrame(props: {
  visit: Visit
  kind: 'shop' | 'account-page'
  children: (props: ShopProps) => ComponentChildren
  notices?: (words: Words) => ComponentChildren
}) {
  const { visit, kind, children, notices } = props
  const { view, error } = visit
  useLanguage(view)
  if (!view) {
    return (
      <>
        <Header here="/shop" />
        <main id="content" class={kind}>
          {error && <p role="alert">{error.message}</p>}
        </main>
      </>
    )
  }
  const words = allWords[view.data.language]
  const shop = { visit, view, words }
  return (
    <>
      <Header here="/shop" skip={words.skip}>
        <Preferences {...shop} />
      </Header>
      <main id="content" class={kind} tabIndex={-1}>
        {children(shop)}
      </main>
      <div class="notices">
        {notices?.(words)}
        {error && (
          <div class="notice bad" role="alert" data-code={error.code}>
            <p>{words.errors[error.code] ?? error.message}</p>
            <button type="button" class="plain" aria-label="OK" onClick={() => visit.forgetError()}>
              ×
            </button>
          </div>
        )}
      </div>
    </>
  )
}

/** The language of the session is that of the whole document. */
function useLanguage(view: SessionView | undefined): void {
  const language = view?.data.language
  useEffect(() => {
    if (language) document.documentElement.lang = language
  }, [language])
}
