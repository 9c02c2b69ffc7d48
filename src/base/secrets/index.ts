export type { SigningKey, SigningKeys } from './signature.ts'
export { sign, verify } from './signature.ts'
export { hashToken, isToken, newToken } from './token.ts'
