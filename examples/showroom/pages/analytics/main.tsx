import { render } from 'preact'
import { AnalyticsPage } from './analytics-page.tsx'

render(<AnalyticsPage />, document.querySelector('#page')!)
