import { demoUsers } from '../../visitor/demo-users.ts'
import { Header } from '../shared/header.tsx'
import { BoardDoor, ShopDoor } from './doors.tsx'

/** One screen: what Sojourn is, and the two doors. */
export function Home() {
  return (
    <>
      <Header here="/" />
      <main class="home">
        <section class="lead">
          <h1>
            A home for every session<span aria-hidden="true">.</span>
          </h1>
          <p>
            Sojourn keeps what a visitor does on the web: an identity that travels in a cookie, data
            that survives, and, where a page needs one, a live process whose state everybody sees
            change.
          </p>
        </section>
        <Doors />
        <section class="joint panel" aria-labelledby="joint-title">
          <h2 id="joint-title">The joint</h2>
          <p>
            One login for both. The board asks the session of the shop who may enter, before it
            starts a process. Log out in one tab, and the board in another tab closes within a
            second.
          </p>
          <p class="users">
            Be someone:
            {demoUsers.map(({ id, password }) => (
              <code key={id}>
                {id} / {password}
              </code>
            ))}
          </p>
        </section>
      </main>
    </>
  )
}

function Doors() {
  return (
    <div class="doors">
      <a class="door door-shop" href="/shop">
        <ShopDoor />
        <span class="kind">Web sessions</span>
        <h2>Shop</h2>
        <p>
          A cart that no parallel click loses, a checkout that is still half-filled after a reload.
        </p>
        <span class="enter">Enter the shop</span>
      </a>
      <a class="door door-board" href="/board">
        <BoardDoor />
        <span class="kind">Live sessions</span>
        <h2>Board</h2>
        <p>A whiteboard for many hands, each board in a process of its own. Kill it: it is back.</p>
        <span class="enter">Enter the board</span>
      </a>
    </div>
  )
}
