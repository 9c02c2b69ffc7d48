/** Who may enter a board. Asked at the door, before any process is started for the visitor. */
import type { Users } from '../visitor/users.ts'
import type { Grant } from './board.ts'
import { boardNamePattern } from './rules.ts'

interface Visit {
  readonly session: { readonly user?: { readonly id: string } | undefined } | undefined
  readonly key: string
}

/** Everyone may watch, whoever is logged in may draw; nobody may open a board of an odd name. */
export function boardDoor(users: Users): (visit: Visit) => Grant | undefined {
  return ({ session, key }) => {
    if (!boardNamePattern.test(key)) return undefined
    const user = session?.user && users.find(session.user.id)
    return user ? { role: 'editor', name: user.name } : { role: 'viewer', name: 'Guest' }
  }
}
