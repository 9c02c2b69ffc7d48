/** The logger that Sojourn is given, shaped like pino: an object of facts, then a sentence. */
export interface Log {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** Where a line of a log goes. */
export type LogSink = (level: keyof Log, facts: object, message: string) => void

/** A logger that hands every line to `sink`. */
export function logVia(sink: LogSink): Log {
  const at =
    (level: keyof Log): Log['info'] =>
    (facts, message) =>
      sink(level, facts, message)
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Says nothing; the default of parts that are used without a platform. */
export const silentLog: Log = logVia(() => {})

/**
 * Facts as JSON can carry them: stacks in place of errors, and a word in place of what can't be
 * written at all.
 */
export function plainFacts(facts: object): object {
  try {
    const text = JSON.stringify(facts, (_, value: unknown) => {
      return value instanceof Error ? (value.stack ?? value.message) : value
    })
    return JSON.parse(text) as object
  } catch {
    return { facts: 'not printable' }
  }
}
