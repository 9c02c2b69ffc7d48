import { render } from 'preact'
import { ContinuePage } from './continue-page.tsx'

render(<ContinuePage />, document.querySelector('#page')!)
