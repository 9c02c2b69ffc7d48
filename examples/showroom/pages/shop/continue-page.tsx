import { useEffect, useState } from 'preact/hooks'
import type { Offered } from '../../visitor/handover-api.ts'
import { useVisit } from '../shared/visit.ts'
import { ShopFrame, type ShopProps } from './shop-frame.tsx'

/** Taken out of the address at once: it belongs into no history. */
function takeCode(): string | undefined {
  const code = new URLSearchParams(location.hash.slice(1)).get('code') ?? undefined
  history.replaceState(null, '', location.pathname)
  return code
}

function useCode(): string | undefined {
  const [code, setCode] = useState(takeCode)
  useEffect(() => {
    // Another link, opened in this tab: only the fragment changes.
    const changed = () => {
      const next = takeCode()
      if (next !== undefined) setCode(next)
    }
    // It may have changed between the rendering and this effect.
    changed()
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return code
}

/** `/shop/continue#code=…`: names the account, and asks before anything is used up. */
export function ContinuePage() {
  const visit = useVisit()
  const code = useCode()
  return (
    <ShopFrame visit={visit} kind="account-page">
      {(shop) => <Question {...shop} code={code} />}
    </ShopFrame>
  )
}

function Question({ visit, words: all, code }: ShopProps & { code: string | undefined }) {
  const words = all.goOn
  const [offered, setOffered] = useState<Offered>()
  const [isOver, setIsOver] = useState(code === undefined)
  useEffect(() => {
    if (code === undefined) return
    void visit.ask<Offered>('POST', '/handover/look', { code }).then((answer) => {
      setOffered(answer)
      setIsOver(!answer)
    })
  }, [code])

  async function takeOver(): Promise<void> {
    if (await visit.ask('POST', '/handover/take', { code })) location.replace('/shop')
    else setIsOver(true)
  }

  const name = offered?.user?.name ?? words.visitor
  return (
    <section class="panel question" aria-labelledby="question-title" data-over={isOver}>
      <h1 id="question-title">{words.title}</h1>
      {isOver ? (
        <p>{words.missing}</p>
      ) : (
        offered && (
          <>
            <p data-offered={offered.user?.id}>
              {words.asking(name, offered.device ?? words.unknown)}
            </p>
            <p class="quiet">{words.note}</p>
            <button type="button" onClick={() => void takeOver()}>
              {words.yes(name)}
            </button>
          </>
        )
      )}
      <a href="/shop">{isOver ? all.account.toShop : words.no}</a>
    </section>
  )
}
