/** The logger that Sojourn is given, shaped like pino: an object of facts, then a sentence. */
export interface Log {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

const nothing = (): void => {}

/** Says nothing; the default of parts that are used without a platform. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
