export { type Sealer, sealer } from './seal.ts'
export type { SigningKey, SigningKeys } from './signature.ts'
export { sign, verify } from './signature.ts'
export { csrfTokenOf, hashToken, isToken, newCode, newToken } from './token.ts'
