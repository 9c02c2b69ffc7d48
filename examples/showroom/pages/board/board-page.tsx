import { useEffect, useState } from 'preact/hooks'
import type { SessionView } from '../../visitor/visitor.ts'
import { Connection } from '../shared/connection.tsx'
import { Header } from '../shared/header.tsx'
import { englishLogin, LoginForm } from '../shared/login-form.tsx'
import { useChanges, useVisit, type Visit } from '../shared/visit.ts'
import { VisitorControls } from '../shared/visitor-controls.tsx'
import { BoardUnderneath } from './board-underneath.tsx'
import { Paper } from './paper.tsx'
import { People } from './people.tsx'
import { Sketch } from './sketch.ts'
import { type Tool, Toolbar } from './toolbar.tsx'
import { exposeBoard } from './window-board.ts'

/** `/board/<name>`: every entry (again after a login or a logout) is a connection of its own. */
export function BoardPage({ name }: { name: string }) {
  const visit = useVisit()
  const [sketch, setSketch] = useState<Sketch>()
  const { view } = visit

  function enter(): void {
    setSketch((before) => {
      before?.close()
      return new Sketch(name)
    })
  }

  /** After the session changed: the old connection belongs to the old one. */
  async function enterAgain(): Promise<void> {
    await visit.read()
    enter()
  }

  useEffect(enter, [name])

  return (
    <>
      <Header here="/board">
        <VisitorControls visit={visit} onLogout={enter} />
      </Header>
      {view && sketch && (
        <Room name={name} visit={visit} view={view} sketch={sketch} onAgain={enterAgain} />
      )}
    </>
  )
}

interface RoomProps {
  readonly name: string
  readonly visit: Visit
  readonly view: SessionView
  readonly sketch: Sketch
  onAgain(): void
}

function Room({ name, visit, view, sketch, onAgain }: RoomProps) {
  const [tool, setTool] = useState<Tool>({ color: '#2b2622', width: 7 })
  useChanges(sketch)
  useEffect(() => exposeBoard(sketch), [sketch])
  const { live } = sketch
  useEffect(() => {
    // The session may be what ended it.
    if (live.status === 'closed') void visit.read()
  }, [live.status])
  const mayDraw = view.user !== null && live.status !== 'closed'
  return (
    <main
      id="content"
      tabIndex={-1}
      class="room"
      data-board={name}
      data-status={live.status}
      data-strokes={sketch.strokes.length}
      data-acknowledged={sketch.acknowledged.length}
      data-role={view.user ? 'editor' : 'viewer'}
    >
      <div class="room-main">
        <div class="room-title">
          <h1>{name}</h1>
          <Connection live={live} onAgain={onAgain} />
        </div>
        {sketch.refusal && (
          <p class="notice bad" role="alert">
            {sketch.refusal}
          </p>
        )}
        <Paper sketch={sketch} tool={mayDraw ? tool : undefined} />
        {mayDraw && <Toolbar sketch={sketch} tool={tool} onTool={setTool} />}
      </div>
      <aside class="room-side">
        {!view.user && <WatchingPanel visit={visit} onDone={onAgain} />}
        <People live={live} self={view.user?.name ?? 'Guest'} />
        <BoardUnderneath name={name} sketch={sketch} />
      </aside>
    </main>
  )
}

function WatchingPanel({ visit, onDone }: { visit: Visit; onDone: () => void }) {
  return (
    <section class="panel" aria-labelledby="watching-title">
      <h2 id="watching-title">Watching — log in to draw</h2>
      <LoginForm visit={visit} words={englishLogin} onDone={onDone} />
      {visit.error && (
        <p class="notice bad" role="alert" data-code={visit.error.code}>
          {visit.error.message}
        </p>
      )}
    </section>
  )
}
