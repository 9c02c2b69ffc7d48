import type { Live } from 'sojourn/client'
import type board from '../../board/board.ts'

/** Who is here. Names and colours are set by the server, so nobody can borrow one. */
export function People({ live, self }: { live: Live<typeof board>; self: string }) {
  return (
    <section class="panel people" aria-labelledby="people-title">
      <h2 id="people-title">Who is here</h2>
      <ul>
        <li>
          <span class="dot" />
          {self} (you)
        </li>
        {live.presence.others.map(({ connection, identity }) => (
          <li key={connection} data-person={identity.name}>
            <span class="dot" style={{ '--ink': identity.color }} />
            {identity.name}
          </li>
        ))}
      </ul>
    </section>
  )
}
