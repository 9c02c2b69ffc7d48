import { Underneath } from '../shared/underneath.tsx'
import type { ShopProps } from './shop-frame.tsx'

export function ShopUnderneath({ visit, view, words }: ShopProps) {
  const { underneath } = words
  const { language, startedAtMs } = view.data
  const isStored = view.id !== null
  const { lastWrite } = visit
  const bytes = new Intl.NumberFormat(language, {
    style: 'unit',
    unit: 'byte',
    unitDisplay: 'long',
  })
  const since = new Intl.DateTimeFormat(language, { timeStyle: 'medium' })
  return (
    <Underneath
      title={underneath.title}
      facts={[
        {
          label: underneath.stored,
          value: isStored ? underneath.isStored : underneath.notStored,
        },
        {
          label: underneath.id,
          value: isStored ? <code data-session-id={view.id}>{view.id}</code> : '—',
        },
        { label: 'isNew', value: <code>{String(view.isNew)}</code> },
        { label: underneath.user, value: view.user?.name ?? underneath.nobody },
        { label: underneath.since, value: isStored ? since.format(startedAtMs) : '—' },
        { label: underneath.size, value: isStored ? bytes.format(view.dataBytes) : '—' },
        {
          label: underneath.lastWrite,
          value: lastWrite
            ? underneath.answered(lastWrite.request, lastWrite.tookMs)
            : underneath.noWrite,
        },
      ]}
    >
      <p class="quiet">{underneath.note}</p>
    </Underneath>
  )
}
