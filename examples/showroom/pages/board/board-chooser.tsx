import type { TargetedSubmitEvent } from 'preact'
import { boardNamePattern, suggestedBoards } from '../../board/rules.ts'
import { Header } from '../shared/header.tsx'
import { useVisit } from '../shared/visit.ts'
import { VisitorControls } from '../shared/visitor-controls.tsx'

/** `/board`: choose which board to enter. `refused` is a name that no board can have. */
export function BoardChooser({ refused }: { refused: string }) {
  const visit = useVisit()
  return (
    <>
      <Header here="/board">
        <VisitorControls visit={visit} />
      </Header>
      <main id="content" tabIndex={-1} class="chooser">
        <h1>Choose a board</h1>
        <p class="lead-text">
          Every name is a board of its own, served by a process of its own. The process starts when
          the first visitor comes and rests half a minute after the last one left. The strokes stay.
        </p>
        {refused && (
          <p role="alert" class="notice bad">
            No board can be called “{refused}”.
          </p>
        )}
        <ul class="suggestions">
          {suggestedBoards.map((name) => (
            <li key={name}>
              <a href={`/board/${name}`}>{name}</a>
            </li>
          ))}
        </ul>
        <form class="panel" onSubmit={enter}>
          <label>
            Or another name
            <input
              name="board"
              required={true}
              maxLength={40}
              pattern={boardNamePattern.source}
              autocapitalize="none"
              autocomplete="off"
              aria-describedby="name-rule"
            />
          </label>
          <button type="submit">Enter</button>
          <p id="name-rule" class="quiet">
            Small letters, digits and dashes, at most 40.
          </p>
        </form>
      </main>
    </>
  )
}

function enter(event: TargetedSubmitEvent<HTMLFormElement>): void {
  event.preventDefault()
  location.assign(`/board/${new FormData(event.currentTarget).get('board')}`)
}
