export { hashToken, isToken, newToken } from './token.ts'
