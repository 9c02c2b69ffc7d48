/** Who may log in, and the proof of it. A real application keeps the records in its database. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

export interface User {
  readonly id: string
  readonly name: string
}

export interface Users {
  find(id: string): User | undefined
  /** The user, if the password is right; takes as long for a name that nobody has. */
  check(id: string, password: string): Promise<User | undefined>
}

interface Credentials {
  readonly salt: Buffer
  readonly hash: Buffer
}

const hashBytes = 32
const derive = promisify<string, Buffer, number, Buffer>(scrypt)

export async function openUsers(
  list: readonly (User & { readonly password: string })[],
): Promise<Users> {
  const users = new Map<string, User>()
  const credentials = new Map<string, Credentials>()
  for (const { id, name, password } of list) {
    users.set(id, { id, name })
    credentials.set(id, await credentialsFor(password))
  }
  // Unknown names are compared with this, so that the time of an answer tells nobody's name.
  const nobody = await credentialsFor(randomBytes(hashBytes).toString('base64'))

  return {
    find: (id) => users.get(id),
    async check(id, password) {
      const { salt, hash } = credentials.get(id) ?? nobody
      const right = timingSafeEqual(await derive(password, salt, hashBytes), hash)
      return right ? users.get(id) : undefined
    },
  }
}

async function credentialsFor(password: string): Promise<Credentials> {
  const salt = randomBytes(16)
  return { salt, hash: await derive(password, salt, hashBytes) }
}
