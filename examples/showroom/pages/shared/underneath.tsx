import type { ComponentChildren } from 'preact'

export interface Fact {
  readonly label: string
  readonly value: ComponentChildren
}

/** The panel that shows what the library does below the page. */
export function Underneath(props: {
  title: string
  facts: readonly Fact[]
  children?: ComponentChildren
}) {
  return (
    <section class="panel underneath" aria-labelledby="underneath-title">
      <h2 id="underneath-title">{props.title}</h2>
      <dl>
        {props.facts.map(({ label, value }) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {props.children}
    </section>
  )
}
