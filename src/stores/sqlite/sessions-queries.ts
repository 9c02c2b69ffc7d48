/** What the sessions ask their file. */

const live = 'min(expires_at, ends_at) > :now'

type QueryName =
  | 'create'
  | 'addToken'
  | 'read'
  | 'readById'
  | 'commit'
  | 'commitAndTouch'
  | 'touch'
  | 'retireToken'
  | 'buryTokens'
  | 'remove'
  | 'children'
  | 'addEnd'
  | 'listByUser'
  | 'due'
  | 'putOff'
  | 'forgetTokens'
  | 'forgetCodes'
  | 'forgetEnds'
  | 'scan'
  | 'putCode'
  | 'readCode'
  | 'takeCode'
  | 'othersWrites'
  | 'ends'

export const queries: Readonly<Record<QueryName, string>> = {
  create: `INSERT INTO sessions VALUES (:id, :version, :bytes, :userId, :authenticatedAt, :factors,
    :createdAt, :touchedAt, :expiresAt, :endsAt, :device, :parentId, :sweepAt)`,
  addToken: 'INSERT INTO tokens (hash, session_id) VALUES (:hash, :id)',
  read: `SELECT t.reason, t.grace_until, t.kept_until, s.* FROM tokens t LEFT JOIN sessions s
    ON s.id = t.session_id AND ${live} WHERE t.hash = :hash`,
  readById: `SELECT * FROM sessions WHERE id = :id AND ${live}`,
  commit: `UPDATE sessions SET version = version + 1, bytes = :bytes
    WHERE id = :id AND version = :version AND ${live}`,
  commitAndTouch: `UPDATE sessions SET version = version + 1, bytes = :bytes,
    touched_at = max(touched_at, :touchedAt), expires_at = max(expires_at, :expiresAt)
    WHERE id = :id AND version = :version AND ${live}`,
  touch: `UPDATE sessions SET touched_at = max(touched_at, :touchedAt),
    expires_at = max(expires_at, :expiresAt) WHERE id = :id AND ${live}`,
  retireToken: `UPDATE tokens SET reason = 'rotated', grace_until = :graceUntil,
    kept_until = :until WHERE hash = :hash AND session_id = :id AND reason IS NULL`,
  buryTokens: `UPDATE tokens SET reason = :reason, grace_until = NULL, kept_until = :until
    WHERE session_id = :id`,
  remove: 'DELETE FROM sessions WHERE id = :id',
  children: 'SELECT id FROM sessions WHERE parent_id = :id',
  addEnd: 'INSERT INTO ends (id, reason, at) VALUES (:id, :reason, :now)',
  listByUser: `SELECT * FROM sessions WHERE user_id = :userId AND ${live}
    ORDER BY touched_at DESC, id DESC`,
  due: `SELECT id, sweep_at, rowid AS row, min(expires_at, ends_at) AS over_at FROM sessions
    WHERE sweep_at <= :now AND (sweep_at, rowid) > (:sweepAt, :row) ORDER BY sweep_at, rowid
    LIMIT :limit`,
  putOff: 'UPDATE sessions SET sweep_at = :overAt WHERE id = :id',
  forgetTokens: `DELETE FROM tokens WHERE hash IN
    (SELECT hash FROM tokens WHERE kept_until <= :now LIMIT :limit)`,
  forgetCodes: `DELETE FROM codes WHERE hash IN
    (SELECT hash FROM codes WHERE until <= :now LIMIT :limit)`,
  forgetEnds: `DELETE FROM ends WHERE position IN
    (SELECT position FROM ends WHERE at <= :before ORDER BY position LIMIT :limit)`,
  scan: `SELECT * FROM sessions WHERE id > :after AND ${live} ORDER BY id LIMIT :limit`,
  putCode: 'INSERT INTO codes VALUES (:hash, :bytes, :until)',
  readCode: 'SELECT bytes FROM codes WHERE hash = :hash AND until > :now',
  takeCode: 'DELETE FROM codes WHERE hash = :hash RETURNING bytes, until',
  // https://www.sqlite.org/pragma.html#pragma_data_version
  othersWrites: 'PRAGMA data_version',
  ends: 'SELECT * FROM ends WHERE position > :after ORDER BY position LIMIT :limit',
}
