import type { DatabaseSync } from 'node:sqlite'
import { limits } from '../../base/core/index.ts'
import type { TicketStore } from '../../live/gateway/tickets.ts'
import { Statements } from './statements.ts'

const queries = {
  add: `INSERT INTO tickets SELECT :hash, :content, :until
    WHERE (SELECT count(*) FROM tickets) < :max`,
  take: 'DELETE FROM tickets WHERE hash = :hash RETURNING content, until',
  sweep: 'DELETE FROM tickets WHERE until <= :now',
}

/** The tickets in `sessions.db`; answers at once. */
export function openTickets(db: DatabaseSync): TicketStore {
  const statements = new Statements(db, queries)
  return {
    add: (hash, content, untilMs) => {
      const values = { hash, content, until: untilMs, max: limits.ticketsMax }
      return statements.run('add', values) > 0
    },
    take: (hash, nowMs) => {
      const row = statements.row('take', { hash })
      return row && Number(row['until']) > nowMs ? String(row['content']) : undefined
    },
    sweep: (nowMs) => {
      statements.run('sweep', { now: nowMs })
    },
  }
}
