/** A host that recovers the keys of `journal-writer.ts`, and says what it found. */
import { writeSync } from 'node:fs'
import { recoverKeys } from './journal-entries.ts'

const [data = ''] = process.argv.slice(2)
writeSync(1, `${JSON.stringify([...(await recoverKeys(data))])}\n`)
