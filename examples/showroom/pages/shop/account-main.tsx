import { render } from 'preact'
import { AccountPage } from './account-page.tsx'

render(<AccountPage />, document.querySelector('#page')!)
