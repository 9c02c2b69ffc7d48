import { languages } from '../../visitor/preferences.ts'
import { ThemeSelect } from '../shared/theme-select.tsx'
import type { ShopProps } from './shop-frame.tsx'
import { languageNames } from './words/languages.ts'

/** Theme and language: kept in the session, so they are there on the next visit too. */
export function Preferences({ visit, view, words }: ShopProps) {
  const { language } = view.data
  return (
    <>
      <ThemeSelect visit={visit} words={words.preferences} />
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
