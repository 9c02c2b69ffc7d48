import { render } from 'preact'
import { ShopPage } from './shop-page.tsx'

render(<ShopPage />, document.querySelector('#page')!)
