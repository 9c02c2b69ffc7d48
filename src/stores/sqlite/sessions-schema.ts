/** The tables of sessions.db. */

/**
 * A token is current (`reason` null), accepted for a while (`rotated`, until `grace_until`), or a
 * tombstone; `kept_until` says when the latter two are forgotten.
 */
export const sessionMigrations: readonly string[] = [
  `CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    user_id TEXT,
    authenticated_at INTEGER,
    factors TEXT,
    created_at INTEGER NOT NULL,
    touched_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX sessions_by_user ON sessions (user_id, touched_at) WHERE user_id IS NOT NULL;
  CREATE INDEX sessions_by_end ON sessions (min(expires_at, ends_at));
  CREATE TABLE tokens (
    hash TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    reason TEXT,
    grace_until INTEGER,
    kept_until INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX tokens_by_session ON tokens (session_id);
  CREATE INDEX tokens_by_age ON tokens (kept_until) WHERE kept_until IS NOT NULL;
  CREATE TABLE ends (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
  );`,
  `ALTER TABLE sessions ADD COLUMN device TEXT;
  ALTER TABLE sessions ADD COLUMN parent_id TEXT;
  CREATE INDEX sessions_by_parent ON sessions (parent_id) WHERE parent_id IS NOT NULL;
  CREATE TABLE codes (hash TEXT PRIMARY KEY, bytes BLOB NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX codes_by_age ON codes (until);`,
  // Rows as large as these are found faster by a small index than inside of a tree of their own.
  `CREATE TABLE sessions_by_rowid (
    id TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    user_id TEXT,
    authenticated_at INTEGER,
    factors TEXT,
    created_at INTEGER NOT NULL,
    touched_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    device TEXT,
    parent_id TEXT
  );
  INSERT INTO sessions_by_rowid SELECT id, version, bytes, user_id, authenticated_at, factors,
    created_at, touched_at, expires_at, ends_at, device, parent_id FROM sessions;
  DROP TABLE sessions;
  ALTER TABLE sessions_by_rowid RENAME TO sessions;
  CREATE INDEX sessions_by_user ON sessions (user_id) WHERE user_id IS NOT NULL;
  CREATE INDEX sessions_by_end ON sessions (min(expires_at, ends_at));
  CREATE INDEX sessions_by_parent ON sessions (parent_id) WHERE parent_id IS NOT NULL;`,
  // When a session is to be looked at, never later than it ends: a touch leaves it as it is, so
  // that no index changes. A sweep puts it off for those that are still live.
  `ALTER TABLE sessions ADD COLUMN sweep_at INTEGER NOT NULL DEFAULT 0;
  DROP INDEX sessions_by_end;
  CREATE INDEX sessions_by_sweep ON sessions (sweep_at);`,
  // Rights to one connection; what they stand for is the gateway's own.
  `CREATE TABLE tickets (hash TEXT PRIMARY KEY, content TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX tickets_by_age ON tickets (until);`,
]
