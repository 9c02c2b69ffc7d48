import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import { attempt } from './open.ts'

export type Row = Record<string, SQLOutputValue>
export type Values = Record<string, SQLInputValue>

/** Prepared statements by their names; a fault of the database is `STORE_UNAVAILABLE`. */
export class Statements<Name extends string> {
  readonly #statements: Readonly<Record<Name, StatementSync>>

  constructor(db: DatabaseSync, queries: Readonly<Record<Name, string>>) {
    this.#statements = attempt(
      () =>
        Object.fromEntries(
          Object.entries<string>(queries).map(([name, sql]) => [name, db.prepare(sql)]),
        ) as Record<Name, StatementSync>,
    )
  }

  row(name: Name, values: Values): Row | undefined {
    return attempt(() => this.#statements[name].get(values))
  }

  rows(name: Name, values: Values): Row[] {
    return attempt(() => this.#statements[name].all(values))
  }

  /**
   * Row after row as lists of their columns, for more of them than should be in memory at once.
   * A fault comes as the database says it.
   */
  *each(name: Name, values: Values): Generator<readonly SQLOutputValue[]> {
    const statement = this.#statements[name]
    statement.setReturnArrays(true)
    for (const row of statement.iterate(values)) yield row as unknown as SQLOutputValue[]
  }

  /** How many rows were changed. */
  run(name: Name, values: Values): number {
    return attempt(() => Number(this.#statements[name].run(values).changes))
  }

  /** The number of the new row. */
  insert(name: Name, values: Values): SQLInputValue {
    return attempt(() => this.#statements[name].run(values).lastInsertRowid)
  }
}
