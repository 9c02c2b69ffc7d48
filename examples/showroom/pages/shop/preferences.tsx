import { languages, themes } from '../../visitor/preferences.ts'
import type { ShopProps } from './shop-frame.tsx'
import { languageNames } from './words/languages.ts'

/** Theme and language: kept in the session, so they are there on the next visit too. */
export function Preferences({ visit, view, words }: ShopProps) {
  const { theme, language } = view.data
  return (
    <>
      <label class="compact">
        <span>{words.preferences.theme}</span>
        <select
          name="theme"
          value={theme}
          onChange={({ currentTarget }) =>
            void visit.write('PUT', '/preferences', { theme: currentTarget.value })
          }
        >
          {themes.map((name) => (
            <option key={name} value={name}>
              {words.preferences.themes[name]}
            </option>
          ))}
        </select>
      </label>
      <label class="compact">
        <span>{words.preferences.language}</span>
        <select
          name="language"
          value={language}
          onChange={({ currentTarget }) =>
            void visit.write('PUT', '/preferences', { language: currentTarget.value })
          }
        >
          {languages.map((name) => (
            <option key={name} value={name} lang={name}>
              {languageNames[name]}
            </option>
          ))}
        </select>
      </label>
    </>
  )
}
