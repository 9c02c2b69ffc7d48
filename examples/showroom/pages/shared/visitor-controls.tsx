import { ThemeSelect, type ThemeWords } from './theme-select.tsx'
import type { Visit } from './visit.ts'

const words: ThemeWords = {
  theme: 'Theme',
  themes: { system: 'Like the system', light: 'Light', dark: 'Dark', sepia: 'Sepia' },
}

/** Who is there, and the way out; `onLogout` runs when the session has ended. */
export function VisitorControls(props: { visit: Visit; onLogout?: () => void }) {
  const { visit, onLogout } = props
  const user = visit.view?.user
  return (
    <>
      {visit.view && <ThemeSelect visit={visit} words={words} />}
      {user && (
        <>
          <span class="quiet">{user.name}</span>
          <button
            type="button"
            class="second"
            onClick={async () => {
              if (await visit.write('POST', '/logout')) onLogout?.()
            }}
          >
            Log out
          </button>
        </>
      )}
    </>
  )
}
