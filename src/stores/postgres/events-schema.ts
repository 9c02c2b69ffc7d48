/** The tables of events in PostgreSQL, and what writes them. */
import type { BuiltInEvent } from '../../web/analytics/index.ts'

const startName: BuiltInEvent = 'started'
const endNames: readonly BuiltInEvent[] = ['logout', 'expired', 'revoked']

/**
 * What is asked of whole stays is kept per stay, so that only events are ever counted by events.
 * `stay_sessions` says which stay a session belongs to. Names sort by their bytes ("C").
 */
const tables = `
CREATE TABLE event_writers (
  name text COLLATE "C" PRIMARY KEY,
  seq bigint NOT NULL,
  at bigint NOT NULL
);
CREATE INDEX event_writers_by_age ON event_writers (at);
CREATE TABLE event_names (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE
);
CREATE TABLE stays (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  started_at bigint,
  ended_at bigint,
  last_at bigint NOT NULL
);
CREATE INDEX stays_by_start ON stays (started_at) WHERE started_at IS NOT NULL;
CREATE INDEX stays_by_end ON stays (ended_at, started_at) WHERE ended_at IS NOT NULL;
CREATE INDEX stays_by_last ON stays (last_at, ended_at);
CREATE TABLE stay_sessions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session text COLLATE "C" NOT NULL UNIQUE,
  stay bigint NOT NULL
);
CREATE INDEX stay_sessions_by_stay ON stay_sessions (stay);
CREATE TABLE events (
  position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  name bigint NOT NULL,
  stay bigint NOT NULL,
  session bigint NOT NULL,
  predecessor bigint,
  user_id text,
  props text
);
CREATE INDEX events_by_time ON events (at, position);
CREATE INDEX events_by_name ON events (name, at) INCLUDE (stay, position);
`

/** The events of a batch as rows; `n` is their order. */
const batch = `ROWS FROM (jsonb_to_recordset(_events) AS (at bigint, session text,
  predecessor text, user_id text, name text, props text)) WITH ORDINALITY
  AS e (at, session, predecessor, user_id, name, props, n)`

/**
 * Rows are looked up by their indexes, whatever the server thinks of the tables' sizes: it keeps a
 * plan, and one that was made while they were small would later read all of them for each batch.
 */
const byIndex = 'SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off'

/**
 * `lock_events` is held until the commit by everybody who writes:
 * - Positions are then visible in their order. Numbers of a sequence alone are not: the lower one
 *   may be committed later, and a reader that is past it would never see it.
 * - Two batches can't give one session two stays, and a sweep takes nothing that a batch builds on.
 * A batch takes milliseconds, and a process sends one at a time.
 */
const functions = `
CREATE FUNCTION lock_events() RETURNS void LANGUAGE sql SET search_path FROM CURRENT AS $$
  SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' events', 0))
$$;

-- Sees to it that two sessions, the second one continued by the first or NULL, have a stay.
CREATE FUNCTION enter_stay(_session text, _predecessor text, _at bigint) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  found_stay bigint;
BEGIN
  SELECT stay INTO found_stay FROM stay_sessions WHERE session = _session;
  IF found_stay IS NULL THEN
    SELECT stay INTO found_stay FROM stay_sessions WHERE session = _predecessor;
  END IF;
  IF found_stay IS NULL THEN
    INSERT INTO stays (last_at) VALUES (_at) RETURNING id INTO found_stay;
  END IF;
  INSERT INTO stay_sessions (session, stay) SELECT DISTINCT e.session, found_stay
    FROM unnest(ARRAY[_session, _predecessor]) AS e (session)
    WHERE e.session IS NOT NULL
      AND NOT EXISTS (SELECT FROM stay_sessions s WHERE s.session = e.session);
END $$;

CREATE FUNCTION append_events(_writer text, _seq bigint, _events jsonb) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT ${byIndex} AS $$
DECLARE
  fresh record;
BEGIN
  PERFORM lock_events();
  INSERT INTO event_writers AS w
    SELECT _writer, _seq, coalesce(max(e.at), 0) FROM ${batch}
    ON CONFLICT (name) DO UPDATE SET seq = excluded.seq, at = excluded.at
    WHERE w.seq < excluded.seq;
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO event_names (name) SELECT DISTINCT e.name FROM ${batch}
    WHERE NOT EXISTS (SELECT FROM event_names n WHERE n.name = e.name);
  -- One after the other, since the first event of a session decides on its stay.
  FOR fresh IN
    SELECT e.session, e.predecessor, min(e.at) AS at FROM ${batch}
      LEFT JOIN stay_sessions s ON s.session = e.session
      LEFT JOIN stay_sessions p ON p.session = e.predecessor
      WHERE s.id IS NULL OR (p.id IS NULL AND e.predecessor IS NOT NULL)
      GROUP BY e.session, e.predecessor ORDER BY min(e.n)
  LOOP
    PERFORM enter_stay(fresh.session, fresh.predecessor, fresh.at);
  END LOOP;
  INSERT INTO events (at, name, stay, session, predecessor, user_id, props)
    SELECT e.at, n.id, s.stay, s.id, p.id, e.user_id, e.props FROM ${batch}
      LEFT JOIN event_names n ON n.name = e.name
      LEFT JOIN stay_sessions s ON s.session = e.session
      LEFT JOIN stay_sessions p ON p.session = e.predecessor
      ORDER BY e.n;
  UPDATE stays SET last_at = greatest(stays.last_at, news.last_at),
    started_at = least(stays.started_at, news.started_at),
    ended_at = least(stays.ended_at, news.ended_at)
    FROM (SELECT s.stay, max(e.at) AS last_at,
        min(e.at) FILTER (WHERE e.name = '${startName}') AS started_at,
        min(e.at) FILTER (WHERE e.name IN (${endNames.map((name) => `'${name}'`)})) AS ended_at
      FROM ${batch} JOIN stay_sessions s ON s.session = e.session GROUP BY s.stay) news
    WHERE stays.id = news.stay;
END $$;

CREATE FUNCTION sweep_events(_before bigint, _limit bigint) RETURNS bigint
LANGUAGE plpgsql SET search_path FROM CURRENT ${byIndex} AS $$
DECLARE
  forgotten bigint;
BEGIN
  PERFORM lock_events();
  DELETE FROM events WHERE position = ANY (ARRAY(SELECT position FROM events
    WHERE at < _before ORDER BY at, position LIMIT _limit));
  GET DIAGNOSTICS forgotten = ROW_COUNT;
  -- An event that is left still needs its stay.
  IF forgotten = _limit THEN RETURN forgotten; END IF;
  WITH old AS (
    DELETE FROM stays WHERE id = ANY (ARRAY(SELECT id FROM stays
      WHERE last_at < _before ORDER BY last_at LIMIT _limit)) RETURNING id
  )
  DELETE FROM stay_sessions WHERE stay = ANY (ARRAY(SELECT id FROM old));
  DELETE FROM event_writers WHERE at < _before;
  DELETE FROM event_names n WHERE NOT EXISTS (SELECT FROM events e WHERE e.name = n.id);
  RETURN forgotten;
END $$;
`

/** SQL of one version of the schema, see `migrations`. */
export const eventSchema: string = tables + functions
