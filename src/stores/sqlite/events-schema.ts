/** The tables of events.db. */

/** What is asked of whole stays is kept per stay, so that only events are ever counted by events. */
export const eventMigrations: readonly string[] = [
  `CREATE TABLE writers (name TEXT PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;
  CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE stays (
    id INTEGER PRIMARY KEY,
    started_at INTEGER,
    ended_at INTEGER,
    last_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX stays_by_start ON stays (started_at) WHERE started_at IS NOT NULL;
  CREATE INDEX stays_by_end ON stays (ended_at, started_at) WHERE ended_at IS NOT NULL;
  CREATE INDEX stays_by_last ON stays (last_at, ended_at);
  CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL UNIQUE,
    stay INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX sessions_by_stay ON sessions (stay);
  CREATE TABLE events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    name INTEGER NOT NULL,
    stay INTEGER NOT NULL,
    session INTEGER NOT NULL,
    predecessor INTEGER,
    user TEXT,
    props TEXT
  ) STRICT;
  CREATE INDEX events_by_time ON events (at);
  CREATE INDEX events_by_name ON events (name, at, stay);`,
  // A number is given once: an event may outlive the session that it names as the one before.
  `UPDATE events SET predecessor = NULL WHERE predecessor NOT IN (SELECT id FROM sessions);
  CREATE TABLE numbered (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL UNIQUE,
    stay INTEGER NOT NULL
  ) STRICT;
  INSERT INTO numbered SELECT id, session, stay FROM sessions;
  DROP TABLE sessions;
  ALTER TABLE numbered RENAME TO sessions;
  CREATE INDEX sessions_by_stay ON sessions (stay);`,
]
