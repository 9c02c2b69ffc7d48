import { demoUsers } from '../../visitor/demo-users.ts'
import { Header } from '../shared/header.tsx'
import { useVisit, type Visit } from '../shared/visit.ts'
import { VisitorControls } from '../shared/visitor-controls.tsx'
import { Clicks } from './clicks.tsx'
import { doors } from './doors.tsx'

/** One screen: what Sojourn is, a backend that runs, and a door to every room. */
export function Home() {
  const visit = useVisit()
  return (
    <>
      <Header here="/">
        <VisitorControls visit={visit} />
      </Header>
      <main id="content" tabIndex={-1} class="home">
        <div class="hero">
          <section class="lead">
            <h1>
              A home for every session<span aria-hidden="true">.</span>
            </h1>
            <p>
              Every visitor gets an identity that travels in a cookie, and data that survives. Every
              room gets a process of its own, whose state all its visitors see change. Kill the
              process: they hardly notice, and nothing is lost.
            </p>
            <BeSomeone visit={visit} />
          </section>
          <Clicks />
        </div>
        <nav class="doors" aria-label="Rooms">
          {doors.map(({ path, kind, name, line, enter, Art }) => (
            <a key={path} class={`door door-${kind}`} href={path}>
              <Art />
              <span class="kind">{kind === 'web' ? 'Web sessions' : 'Live sessions'}</span>
              <h2>{name}</h2>
              <p>{line}</p>
              <span class="enter">{enter}</span>
            </a>
          ))}
        </nav>
      </main>
    </>
  )
}

/** One login for all rooms: the door of each asks the same session who may enter. */
function BeSomeone({ visit }: { visit: Visit }) {
  const { view } = visit
  if (view?.user)
    return (
      <p class="be" role="status">
        You are {view.user.name}, in every room. Log out, and the rooms that are open in other tabs
        close within a second.
      </p>
    )
  return (
    <div class="be">
      {demoUsers.map(({ id, name, password }) => (
        <button
          key={id}
          type="button"
          onClick={() => void visit.write('POST', '/login', { user: id, password })}
        >
          Be {name}
        </button>
      ))}
      <span class="quiet">in every room, by one login. Or just look around.</span>
    </div>
  )
}
