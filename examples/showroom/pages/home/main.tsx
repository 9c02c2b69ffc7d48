import { render } from 'preact'
import { Home } from './home.tsx'

render(<Home />, document.querySelector('#page')!)
