export { type Sealer, sealer } from './seal.ts'
export { csrfTokenOf, hashToken, isToken, newToken } from './token.ts'
