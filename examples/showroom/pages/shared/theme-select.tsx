import { useEffect } from 'preact/hooks'
import { type Theme, themes } from '../../visitor/preferences.ts'
import type { Visit } from './visit.ts'

export interface ThemeWords {
  readonly theme: string
  readonly themes: Readonly<Record<Theme, string>>
}

/** The colours: kept in the session, so that they are the same on every page and the next visit. */
export function ThemeSelect({ visit, words }: { visit: Visit; words: ThemeWords }) {
  const theme = visit.view?.data.theme
  useEffect(() => {
    if (theme) document.documentElement.dataset['theme'] = theme
  }, [theme])
  return (
    <label class="theme" title={words.theme}>
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <circle cx="12" cy="12" r="8.5" />
        <path d="M12 3.5a8.5 8.5 0 0 0 0 17z" />
      </svg>
      <span class="hidden">{words.theme}</span>
      <select
        name="theme"
        value={theme}
        onChange={({ currentTarget }) =>
          void visit.write('PUT', '/preferences', { theme: currentTarget.value })
        }
      >
        {themes.map((name) => (
          <option key={name} value={name}>
            {words.themes[name]}
          </option>
        ))}
      </select>
    </label>
  )
}
