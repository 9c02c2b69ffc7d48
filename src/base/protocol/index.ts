export * from './client.ts'
export * from './journal.ts'
export { pack, unpack } from './pack.ts'
export * from './processes.ts'
