import type { Log } from '../base/core/index.ts'

function line(level: string, facts: object, message: string): void {
  const plain = Object.entries(facts).map(([name, value]) => [
    name,
    value instanceof Error ? value.stack : value,
  ])
  process.stderr.write(`${JSON.stringify({ level, ...Object.fromEntries(plain), msg: message })}\n`)
}

/** Warnings and errors as JSON lines on stderr, for those who hand in no logger. */
export const consoleLog: Log = {
  debug: () => {},
  info: () => {},
  warn: (facts, message) => line('warn', facts, message),
  error: (facts, message) => line('error', facts, message),
}
