import type { TargetedSubmitEvent } from 'preact'
import { demoUsers } from '../../visitor/demo-users.ts'
import type { Visit } from './visit.ts'

export interface LoginWords {
  readonly lead: string
  readonly user: string
  readonly password: string
  readonly remember: string
  readonly submit: string
}

export const englishLogin: LoginWords = {
  lead: 'Two people live here:',
  user: 'Name',
  password: 'Password',
  remember: 'Stay logged in for 30 days',
  submit: 'Log in',
}

/** Logs in; `onDone` runs when the new session is saved. */
export function LoginForm(props: { visit: Visit; words: LoginWords; onDone?: () => void }) {
  const { visit, words, onDone } = props

  async function submit(event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    const body = {
      user: fields.get('user'),
      password: fields.get('password'),
      remember: fields.has('remember'),
    }
    if (await visit.write('POST', '/login', body)) onDone?.()
  }

  return (
    <form class="login" onSubmit={submit}>
      <p class="quiet">
        {words.lead}
        {demoUsers.map(({ id, password }) => (
          <button
            key={id}
            type="button"
            class="second user"
            onClick={({ currentTarget }) => fill(currentTarget.form, id, password)}
          >
            {id} / {password}
          </button>
        ))}
      </p>
      <label>
        {words.user}
        <input
          name="user"
          autocomplete="username"
          autocapitalize="none"
          maxLength={50}
          required={true}
        />
      </label>
      <label>
        {words.password}
        <input
          name="password"
          type="password"
          autocomplete="current-password"
          maxLength={200}
          required={true}
        />
      </label>
      <label class="check">
        <input name="remember" type="checkbox" />
        {words.remember}
      </label>
      <button type="submit">{words.submit}</button>
    </form>
  )
}

/** One click less for those who only look around. */
function fill(form: HTMLFormElement | null, user: string, password: string): void {
  for (const [name, value] of Object.entries({ user, password })) {
    const field = form?.elements.namedItem(name)
    if (field instanceof HTMLInputElement) field.value = value
  }
  form?.querySelector<HTMLButtonElement>('[type=submit]')?.focus()
}
