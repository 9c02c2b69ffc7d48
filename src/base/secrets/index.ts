export { type Sealer, sealer } from './seal.ts'
export { csrfTokenOf, hashToken, isToken, newCode, newToken } from './token.ts'
