/** `sojourn/stores/sqlite`: the embedded stores, each in a file of its own in one folder. */
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { type Clock, systemClock, systemRandom } from '../../base/core/index.ts'
import type { Directory } from '../../live/directory/directory.ts'
import type { TicketStore } from '../../live/gateway/tickets.ts'
import type { Journal } from '../../live/host/journal.ts'
import type { EventStore } from '../../web/analytics/index.ts'
import type { SessionStore } from '../../web/session/index.ts'
import { openDirectory } from './directory.ts'
import { openFigures } from './event-figures.ts'
import { openEvents } from './events.ts'
import { eventMigrations } from './events-schema.ts'
import { FiguresThread } from './figures-thread.ts'
import { journalMigrations, SqliteJournal } from './journal.ts'
import { JournalFile } from './journal-file.ts'
import { openDatabase } from './open.ts'
import { openSessions } from './sessions.ts'
import { sessionMigrations } from './sessions-schema.ts'
import { openTickets } from './tickets.ts'

/** As much as SQLite maps at most. */
const mappedBytesMax = 2_147_418_112

export interface SqliteOptions {
  /** Folder of the files; made if missing. `':memory:'` keeps nothing. */
  readonly data: string
  /** Decides which sessions have expired. Default: the machine's. */
  readonly clock?: Clock
}

/** Opens each file when it is first asked for. */
export interface Sqlite {
  /** `sessions.db`. */
  sessions(): SessionStore
  /** Rights to open one connection, in `sessions.db`. */
  tickets(): TicketStore
  /** `events.db`: what sessions did. What takes long is answered in a thread that only reads. */
  events(): EventStore
  /** `journal.db`. */
  journal(): Journal
  /** `lock.db`; rejects with `DATA_IN_USE` while another process owns the folder. */
  directory(): Promise<Directory>
  close(): void
}

export function openSqlite({ data, clock = systemClock }: SqliteOptions): Sqlite {
  const opened = new Map<string, DatabaseSync>()
  const isInMemory = data === ':memory:'
  const figures = new FiguresThread(join(data, 'events.db'), systemClock)
  const open = (name: string, ...migrations: string[]): DatabaseSync => {
    const path = isInMemory ? data : join(data, name)
    const options = { migrations, synchronous: 'NORMAL', mappedBytesMax } as const
    const db = opened.get(name) ?? openDatabase(path, options)
    opened.set(name, db)
    return db
  }
  let journalFile: JournalFile | undefined
  const journal = (): JournalFile => {
    journalFile ??= new JournalFile(isInMemory ? data : join(data, 'journal.db'), journalMigrations)
    return journalFile
  }
  let sessions: SessionStore | undefined
  return {
    sessions() {
      // One for all: it knows of its own writes only, and of those to the file by others.
      sessions ??= openSessions(open('sessions.db', ...sessionMigrations), clock)
      return sessions
    },
    tickets: () => openTickets(open('sessions.db', ...sessionMigrations)),
    events: () => {
      const db = open('events.db', ...eventMigrations)
      return openEvents(db, isInMemory ? openFigures(db) : figures.ask)
    },
    journal: () => new SqliteJournal(journal()),
    directory: () =>
      openDirectory({
        lock: open('lock.db'),
        journal: journal(),
        clock: systemClock,
        random: systemRandom,
      }),
    close: () => {
      figures.close()
      journalFile?.close()
      for (const db of opened.values()) db.close()
      opened.clear()
    },
  }
}
