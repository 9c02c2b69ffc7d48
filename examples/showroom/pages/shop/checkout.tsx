import type { TargetedSubmitEvent } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { type FieldName, type Fields, fieldsOfStep, type Step, steps } from '../../shop/checkout.ts'
import { Autosave, type SaveState } from './autosave.ts'
import { CheckoutField } from './checkout-field.tsx'
import type { ShopProps } from './shop-frame.tsx'

export function Checkout(props: ShopProps & { onOrder: (order: string) => void }) {
  const { view, words } = props
  const { step } = view.data.checkout
  const { draft, saveState, change, go } = useCheckout(props)
  const title = useFocusOnChange(step)
  if (step === 'cart') return null
  const names: readonly FieldName[] = fieldsOfStep[step]

  return (
    <section class="checkout" aria-labelledby="checkout-title" data-step={step}>
      <h1 id="checkout-title" tabIndex={-1} ref={title}>
        {words.checkout.title}
      </h1>
      <Progress step={step} words={words} />
      <form
        onSubmit={(event: TargetedSubmitEvent<HTMLFormElement>) => {
          event.preventDefault()
          void go(steps[steps.indexOf(step) + 1])
        }}
      >
        {names.map((name) => (
          <CheckoutField
            key={name}
            name={name}
            value={draft[name]}
            words={words}
            onChange={(value) => change(name, value)}
          />
        ))}
        <div class="row">
          <button
            type="button"
            class="second"
            onClick={() => void go(steps[steps.indexOf(step) - 1])}
          >
            {words.checkout.back}
          </button>
          <button type="submit" class="main">
            {step === 'payment' ? words.checkout.order : words.checkout.next}
          </button>
          <span class="quiet" role="status" data-save={saveState}>
            {words.checkout.saves[saveState]}
          </span>
        </div>
      </form>
    </section>
  )
}

/** What is typed, kept in the session as well, and the way through the steps. */
function useCheckout({ visit, view, onOrder }: ShopProps & { onOrder: (order: string) => void }) {
  const [draft, setDraft] = useState<Fields>(view.data.checkout.fields)
  const [saveState, setSaveState] = useState<SaveState>('saved')
  const [autosave] = useState(
    () =>
      new Autosave(
        async (changed) => Boolean(await visit.write('PUT', '/checkout', { fields: changed })),
        setSaveState,
      ),
  )
  useEffect(() => {
    const leave = () => autosave.leave()
    addEventListener('pagehide', leave)
    return () => {
      removeEventListener('pagehide', leave)
      autosave.forget()
    }
  }, [autosave])

  function change(name: FieldName, value: string): void {
    setDraft((draft) => ({ ...draft, [name]: value }))
    autosave.change(name, value)
  }

  /** To another step; without one, to the order. */
  async function go(to: Step | undefined): Promise<void> {
    await autosave.flush()
    if (to) {
      await visit.write('PUT', '/checkout', { step: to })
      return
    }
    const answer = await visit.write<{ order: string }>('POST', '/checkout/order')
    if (typeof answer === 'object') onOrder(answer.order)
  }

  return { draft, saveState, change, go }
}

function Progress({ step, words }: { step: Step; words: ShopProps['words'] }) {
  return (
    <ol class="progress">
      {(['contact', 'address', 'payment'] as const).map((name) => (
        <li
          key={name}
          aria-current={name === step ? 'step' : undefined}
          class={steps.indexOf(name) < steps.indexOf(step) ? 'done' : undefined}
        >
          {words.checkout.steps[name]}
        </li>
      ))}
    </ol>
  )
}

/** Takes the keyboard and the screen reader along when the step changes, but not at the start. */
function useFocusOnChange(step: Step) {
  const target = useRef<HTMLHeadingElement>(null)
  const shown = useRef(step)
  useEffect(() => {
    if (shown.current !== step) target.current?.focus()
    shown.current = step
  }, [step])
  return target
}
