/** The schema in PostgreSQL, that of the sessions first, and how it comes about. */
import { SojournError } from '../../base/core/index.ts'
import type { PostgresSql, PostgresStatements } from './connection.ts'
import { eventSchema } from './events-schema.ts'

/** A session that is live at a time; what every statement that acts on live sessions shares. */
export const liveAt = (now: string): string => `least(expires_at, ends_at) > ${now}`

/** The order of a user's sessions; of two that were used at once, the greater id comes first, as in every store. */
export const lastUsedFirst = 'touched_at DESC, id DESC'

/**
 * A token is current (`reason` null), accepted for a while (`rotated`, until `grace_until`), or a
 * tombstone; `kept_until` says when the latter two are forgotten. Times are epoch milliseconds,
 * and "now" is always handed in: the clock of the store decides, not the database's.
 *
 * Ids sort by their bytes ("C"), whatever the database's own order is.
 */
const tables = `
CREATE TABLE sessions (
  id text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL,
  bytes bytea NOT NULL,
  user_id text COLLATE "C",
  authenticated_at bigint,
  factors text,
  created_at bigint NOT NULL,
  touched_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  ends_at bigint NOT NULL,
  device text,
  parent_id text COLLATE "C"
);
CREATE INDEX sessions_by_user ON sessions (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX sessions_by_end ON sessions (least(expires_at, ends_at));
CREATE INDEX sessions_by_parent ON sessions (parent_id) WHERE parent_id IS NOT NULL;
CREATE TABLE tokens (
  hash text COLLATE "C" PRIMARY KEY,
  session_id text COLLATE "C" NOT NULL,
  reason text,
  grace_until bigint,
  kept_until bigint
);
CREATE INDEX tokens_by_session ON tokens (session_id);
CREATE INDEX tokens_by_age ON tokens (kept_until) WHERE kept_until IS NOT NULL;
CREATE TABLE ends (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL,
  reason text NOT NULL,
  at bigint NOT NULL
);
CREATE INDEX ends_by_age ON ends (at);
CREATE TABLE codes (hash text COLLATE "C" PRIMARY KEY, bytes bytea NOT NULL, until bigint NOT NULL);
CREATE INDEX codes_by_age ON codes (until);
`

/**
 * What needs several statements is a function, so that it is one round trip and one transaction.
 * Each statement in it sees what was committed before that statement (READ COMMITTED), which the
 * order "lock, then look" below relies on.
 *
 * Locks are always taken in one order, so that nobody waits in a circle: the user, the ends, rows
 * of sessions, rows of tokens. `lock_ends` is held until the commit by everybody who ends sessions:
 * - Positions of the feed are then visible in their order. Numbers of a sequence alone are not: the
 *   lower one may be committed later, and a reader that is past it would never see it. (Hiding
 *   positions above the oldest running transaction would let any slow job in the same server stall
 *   the feed.)
 * - Two that end overlapping families can't lock their rows against each other.
 */
const functions = `
CREATE FUNCTION lock_ends() RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
  SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' ends', 0))
$$;

CREATE FUNCTION lock_user(_user text) RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
  SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' user ' || _user, 0))
$$;

-- A live session, what it was handed over from, and so on.
CREATE FUNCTION line_of(_id text, _now bigint) RETURNS text[] LANGUAGE sql STABLE
SET search_path FROM CURRENT AS $$
  WITH RECURSIVE line AS (
    SELECT id, parent_id FROM sessions WHERE id = _id AND ${liveAt('_now')}
    UNION
    SELECT s.id, s.parent_id FROM line JOIN sessions s ON s.id = line.parent_id
      WHERE ${liveAt('_now')}
  )
  SELECT coalesce(array_agg(id), '{}') FROM line
$$;

-- Ends sessions and all that were handed over from them, generation by generation: a row that is
-- deleted has no child in the making any more, since create_session locks the parent's row.
CREATE FUNCTION end_sessions(_ids text[], _reason text, _until bigint, _now bigint) RETURNS text[]
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  ended text[] := '{}';
  generation text[] := _ids;
BEGIN
  PERFORM lock_ends();
  WHILE cardinality(generation) > 0 LOOP
    WITH gone AS (DELETE FROM sessions WHERE id = ANY (generation) RETURNING id)
    SELECT coalesce(array_agg(id ORDER BY array_position(generation, id)), '{}')
      INTO generation FROM gone;
    ended := ended || generation;
    generation := ARRAY(SELECT id FROM sessions WHERE parent_id = ANY (generation));
  END LOOP;
  UPDATE tokens SET reason = _reason, grace_until = NULL, kept_until = _until
    WHERE session_id = ANY (ended);
  INSERT INTO ends (id, reason, at)
    SELECT id, _reason, _now FROM unnest(ended) WITH ORDINALITY AS e (id, n) ORDER BY n;
  RETURN ended;
END $$;

-- The lock of the user makes parallel logins count each other; those that must make room end
-- before any row is locked.
CREATE FUNCTION create_session(_record jsonb, _hash text, _now bigint,
  _max bigint, _reason text, _until bigint) RETURNS text[]
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  made sessions := jsonb_populate_record(NULL::sessions, _record);
  line text[];
  evicted text[] := '{}';
BEGIN
  IF _max IS NOT NULL AND made.user_id IS NOT NULL THEN
    PERFORM lock_user(made.user_id);
    line := line_of(made.parent_id, _now);
    evicted := ARRAY(SELECT id FROM sessions
      WHERE user_id = made.user_id AND ${liveAt('_now')} AND id <> ALL (line)
      ORDER BY ${lastUsedFirst} OFFSET greatest(_max - 1 - cardinality(line), 0));
    IF cardinality(evicted) > 0 THEN
      evicted := end_sessions(evicted, _reason, _until, _now);
    END IF;
  END IF;
  IF made.parent_id IS NOT NULL THEN
    PERFORM FROM sessions WHERE id = made.parent_id AND ${liveAt('_now')} FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE 'The session % is no parent, it is not live', made.parent_id;
    END IF;
  END IF;
  INSERT INTO sessions SELECT made.*;
  INSERT INTO tokens (hash, session_id) VALUES (_hash, made.id);
  RETURN evicted;
END $$;

CREATE FUNCTION commit_session(_id text, _version bigint, _bytes bytea, _touched bigint,
  _expires bigint, _now bigint) RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  UPDATE sessions SET version = version + 1, bytes = _bytes,
    touched_at = greatest(touched_at, _touched), expires_at = greatest(expires_at, _expires)
    WHERE id = _id AND version = _version AND ${liveAt('_now')};
  IF FOUND THEN RETURN 'committed'; END IF;
  -- A second look, not a part of the first: the update may have waited for the row's end.
  PERFORM FROM sessions WHERE id = _id AND ${liveAt('_now')};
  RETURN CASE WHEN FOUND THEN 'conflict' ELSE 'gone' END;
END $$;

-- The lock on the session's row makes its end wait, so that it finds the new token as well.
CREATE FUNCTION rotate_token(_id text, _old text, _new text, _grace bigint, _until bigint,
  _now bigint) RETURNS text
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM FROM sessions WHERE id = _id AND ${liveAt('_now')} FOR KEY SHARE;
  IF NOT FOUND THEN RETURN 'gone'; END IF;
  UPDATE tokens SET reason = 'rotated', grace_until = _grace, kept_until = _until
    WHERE hash = _old AND session_id = _id AND reason IS NULL;
  IF NOT FOUND THEN RETURN 'superseded'; END IF;
  INSERT INTO tokens (hash, session_id) VALUES (_new, _id);
  RETURN 'rotated';
END $$;

CREATE FUNCTION replace_session(_old text, _version bigint, _record jsonb, _hash text, _now bigint,
  _reason text, _until bigint, _max bigint, _limit_reason text, _limit_until bigint,
  OUT outcome text, OUT ended text[], OUT evicted text[])
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  found_version bigint;
BEGIN
  IF _max IS NOT NULL AND _record->>'user_id' IS NOT NULL THEN
    PERFORM lock_user(_record->>'user_id');
  END IF;
  PERFORM lock_ends();
  SELECT version INTO found_version FROM sessions WHERE id = _old AND ${liveAt('_now')} FOR UPDATE;
  IF NOT FOUND THEN
    outcome := 'gone';
  ELSIF found_version <> _version THEN
    outcome := 'conflict';
  ELSE
    outcome := 'replaced';
    ended := end_sessions(ARRAY[_old], _reason, _until, _now);
    evicted := create_session(_record, _hash, _now, _max, _limit_reason, _limit_until);
  END IF;
END $$;

CREATE FUNCTION destroy_session(_id text, _reason text, _until bigint, _now bigint) RETURNS text[]
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM lock_ends();
  RETURN end_sessions(
    ARRAY(SELECT id FROM sessions WHERE id = _id AND ${liveAt('_now')}), _reason, _until, _now);
END $$;

CREATE FUNCTION destroy_by_user(_user text, _except text, _reason text, _until bigint, _now bigint)
RETURNS text[]
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM lock_ends();
  RETURN end_sessions(
    ARRAY(SELECT id FROM sessions
      WHERE user_id = _user AND ${liveAt('_now')} AND id <> ALL (line_of(_except, _now))
      ORDER BY ${lastUsedFirst}),
    _reason, _until, _now);
END $$;

-- Passes over rows that somebody holds: a sweep has time, a request has not.
CREATE FUNCTION sweep(_now bigint, _limit bigint, _until bigint, _ends_before bigint)
RETURNS text[]
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM lock_ends();
  DELETE FROM tokens WHERE hash = ANY (ARRAY(SELECT hash FROM tokens
    WHERE kept_until <= _now ORDER BY kept_until LIMIT _limit FOR UPDATE SKIP LOCKED));
  DELETE FROM codes WHERE hash = ANY (ARRAY(SELECT hash FROM codes
    WHERE until <= _now ORDER BY until LIMIT _limit FOR UPDATE SKIP LOCKED));
  DELETE FROM ends WHERE position = ANY (ARRAY(SELECT position FROM ends
    WHERE at <= _ends_before ORDER BY at LIMIT _limit FOR UPDATE SKIP LOCKED));
  RETURN end_sessions(
    ARRAY(SELECT id FROM sessions WHERE least(expires_at, ends_at) <= _now
      ORDER BY least(expires_at, ends_at) LIMIT _limit FOR UPDATE SKIP LOCKED),
    'expired', _until, _now);
END $$;
`

/** Where every change of a session is told: the schema, a space, its id. */
export const changeChannel = 'sojourn'

/** A notification takes 8,000 bytes; one without an id means all sessions. */
const tellings = `
CREATE FUNCTION tell(_schema text, _id text) RETURNS void LANGUAGE sql AS $$
  SELECT pg_notify('${changeChannel}', _schema || ' ' ||
    CASE WHEN octet_length(_id) <= 1000 THEN _id ELSE '' END)
$$;
CREATE FUNCTION tell_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM tell(TG_TABLE_SCHEMA, OLD.id);
  RETURN NULL;
END $$;
CREATE FUNCTION tell_rotation() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM tell(TG_TABLE_SCHEMA, OLD.session_id);
  RETURN NULL;
END $$;
CREATE FUNCTION tell_all() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM tell(TG_TABLE_SCHEMA, '');
  RETURN NULL;
END $$;
CREATE TRIGGER tell_change AFTER UPDATE OR DELETE ON sessions
  FOR EACH ROW EXECUTE FUNCTION tell_change();
CREATE TRIGGER tell_rotation AFTER UPDATE OF reason ON tokens
  FOR EACH ROW WHEN (OLD.reason IS NULL) EXECUTE FUNCTION tell_rotation();
CREATE TRIGGER tell_all AFTER TRUNCATE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION tell_all();
CREATE TRIGGER tell_all AFTER TRUNCATE ON tokens FOR EACH STATEMENT EXECUTE FUNCTION tell_all();
`

/** SQL of each version of the schema, oldest first. Only ever appended to. */
const migrations: readonly string[] = [tables + functions, tellings, eventSchema]

/**
 * Brings the schema up to date; several processes may do so at once. Asks for no right to change
 * anything where nothing is to be done.
 *
 * @throws SojournError `STORE_UNAVAILABLE` when a newer program has written the schema; TypeError
 * for an instance that works at another isolation than the functions are written for
 */
export async function migrate(sql: PostgresSql, schema: string): Promise<void> {
  const isolation = String((await sql.unsafe('SHOW transaction_isolation').raw())[0]?.[0])
  if (isolation !== 'read committed')
    throw new TypeError(`Transactions of \`sql\` must be READ COMMITTED, they are ${isolation}`)
  if ((await versionOf(sql, schema)) === migrations.length) return
  await sql.begin(async (transaction) => {
    const lock = `hashtextextended('sojourn schema ${schema}', 0)`
    await transaction.unsafe(`SELECT pg_advisory_xact_lock(${lock})`)
    const version = await versionOf(transaction, schema)
    if (version > migrations.length) {
      const detail = `The schema has version ${version}, this program knows ${migrations.length}.`
      throw new SojournError('STORE_UNAVAILABLE', detail)
    }
    if (version === 0) await transaction.unsafe(await firstStep(transaction, schema))
    // The functions keep this path. Temporary tables come last, so that none can stand for ours.
    await transaction.unsafe(`SET LOCAL search_path = "${schema}", pg_temp`)
    for (const [index, step] of migrations.entries()) {
      if (index < version) continue
      await transaction.unsafe(step)
      await transaction.unsafe(`INSERT INTO versions (version) VALUES (${index + 1})`)
    }
  })
}

async function firstStep(sql: PostgresStatements, schema: string): Promise<string> {
  const isThere = await isAny(sql, `pg_namespace WHERE nspname = '${schema}'`)
  const versions = `CREATE TABLE "${schema}".versions (version integer PRIMARY KEY)`
  return isThere ? versions : `CREATE SCHEMA "${schema}"; ${versions}`
}

/** The version that the schema has; 0 when there is none. */
async function versionOf(sql: PostgresStatements, schema: string): Promise<number> {
  const table = `pg_tables WHERE schemaname = '${schema}' AND tablename = 'versions'`
  if (!(await isAny(sql, table))) return 0
  const [row] = await sql.unsafe(`SELECT max(version) FROM "${schema}".versions`).raw()
  return Number(row?.[0] ?? 0)
}

/** Reads the catalog's tables: `to_regclass()` may remember from before a lock was waited for. */
async function isAny(sql: PostgresStatements, where: string): Promise<boolean> {
  return (await sql.unsafe(`SELECT 1 FROM ${where}`).raw()).length > 0
}
