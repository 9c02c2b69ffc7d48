import { type Log, logVia, plainFacts } from '../base/core/index.ts'

/** Warnings and errors as JSON lines on stderr, for those who hand in no logger. */
export const consoleLog: Log = logVia((level, facts, message) => {
  if (level === 'debug' || level === 'info') return
  process.stderr.write(`${JSON.stringify({ level, ...plainFacts(facts), msg: message })}\n`)
})
