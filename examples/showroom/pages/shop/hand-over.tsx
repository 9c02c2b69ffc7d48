import { useEffect, useState } from 'preact/hooks'
import type { Device } from '../../visitor/account-api.ts'
import type { Offer } from '../../visitor/handover-api.ts'
import type { DeviceList } from './devices.tsx'
import { QrCode } from './qr-code.tsx'
import type { ShopProps } from './shop-frame.tsx'

type State =
  | { readonly kind: 'none' | 'taken' | 'over' }
  | {
      readonly kind: 'shown'
      readonly link: string
      readonly forMs: number
      readonly known: readonly string[]
    }

const lookEveryMs = 1500

/** A code is shown as long as it works: until another device came, or its time is over. */
export function useHandOver({ visit, view }: ShopProps, devices: DeviceList) {
  const [state, setState] = useState<State>({ kind: 'none' })

  async function show(): Promise<void> {
    const known = devices.list.map(({ id }) => id)
    const offer = await visit.ask<Offer>('POST', '/handover')
    if (offer) setState({ kind: 'shown', ...offer, known })
  }

  useEffect(() => {
    if (state.kind !== 'shown') return
    const look = setInterval(() => void devices.read(), lookEveryMs)
    const end = setTimeout(() => setState({ kind: 'over' }), state.forMs)
    return () => {
      clearInterval(look)
      clearTimeout(end)
    }
  }, [state])
  useEffect(() => {
    if (state.kind !== 'shown') return
    const isNew = ({ id, parentId }: Device) => parentId === view.id && !state.known.includes(id)
    if (devices.list.some(isNew)) setState({ kind: 'taken' })
  }, [devices.list])

  return { state, show }
}

type HandOverProps = ShopProps & { handOver: ReturnType<typeof useHandOver> }

export function HandOver({ words: { handOver: words }, handOver }: HandOverProps) {
  const { state, show } = handOver
  return (
    <section class="panel hand-over" aria-labelledby="hand-over-title" data-state={state.kind}>
      <h2 id="hand-over-title">{words.title}</h2>
      <p class="quiet">{words.note}</p>
      {state.kind === 'shown' ? (
        <>
          <QrCode text={state.link} label={words.qr} />
          <p>{words.scan}</p>
          <div class="row">
            <a class="go-on" href={state.link} target="_blank" rel="noopener">
              {words.link}
            </a>
            <button
              type="button"
              class="second"
              onClick={() => void navigator.clipboard.writeText(state.link)}
            >
              {words.copy}
            </button>
          </div>
        </>
      ) : (
        <>
          {state.kind !== 'none' && (
            <p class={`notice ${state.kind === 'taken' ? 'good' : 'bad'}`} role="status">
              {words[state.kind]}
            </p>
          )}
          <button type="button" onClick={() => void show()}>
            {words.make}
          </button>
        </>
      )}
    </section>
  )
}
