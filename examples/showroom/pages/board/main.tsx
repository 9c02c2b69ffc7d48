import { render } from 'preact'
import { boardNamePattern } from '../../board/rules.ts'
import { BoardChooser } from './board-chooser.tsx'
import { BoardPage } from './board-page.tsx'

const [, , name = ''] = location.pathname.split('/')

render(
  boardNamePattern.test(name) ? <BoardPage name={name} /> : <BoardChooser refused={name} />,
  document.querySelector('#page')!,
)
