import { useEffect, useState } from 'preact/hooks'
import { connect, type Live } from 'sojourn/client'
import type clicks from '../../home/clicks.ts'
import source from '../../home/clicks.ts?raw'

const number = new Intl.NumberFormat('en')

/** A backend and the code of it: what is shown is what runs. */
export function Clicks() {
  const live = useClicks()
  const clicks = live?.state?.clicks
  return (
    <figure class="clicks panel">
      <div class="clicks-try">
        <p>
          <output>{clicks === undefined ? '…' : number.format(clicks)}</output>
          <span class="quiet">clicks by everyone</span>
        </p>
        <button type="button" disabled={!live} onClick={() => void live?.actions.click()}>
          Click
        </button>
      </div>
      <figcaption class="quiet">
        Its backend, whole. Open a second tab; kill the server, start it again: the number stays.
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must for keyboards too. */}
      <pre tabIndex={0}>{source.trim()}</pre>
    </figure>
  )
}

function useClicks(): Live<typeof clicks> | undefined {
  const [live, setLive] = useState<Live<typeof clicks>>()
  const [, render] = useState(0)
  useEffect(() => {
    const live = connect<typeof clicks>('/live/clicks/all')
    setLive(live)
    live.subscribe(() => render((count) => count + 1))
    return () => live.close()
  }, [])
  return live
}
