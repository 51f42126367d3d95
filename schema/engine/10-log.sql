-- The replica's own tables. Those of the entities follow from the catalog.
-- Times are milliseconds since 1970-01-01 UTC.

-- Small durable facts: this replica's id, hub cursors, acks, trusted time.
CREATE TABLE fact(
  key   TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Replicas and streams by a small number that only this database knows.
CREATE TABLE replica(
  no INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE
) STRICT;
CREATE TABLE stream(
  no       INTEGER PRIMARY KEY,
  unit     TEXT NOT NULL,
  audience INTEGER NOT NULL,
  UNIQUE(unit, audience)
) STRICT;

-- One entry of the city's control log, as it was issued.
CREATE TABLE control(
  pos  INTEGER PRIMARY KEY,
  hash BLOB NOT NULL,
  body BLOB NOT NULL
) STRICT;

-- Which unit a replica writes for. pos counts arrivals here: a hub's positions.
CREATE TABLE certificate(
  pos     INTEGER PRIMARY KEY,
  replica BLOB NOT NULL UNIQUE,
  body    BLOB NOT NULL
) STRICT;

-- One admitted commit. lsn counts admissions here: a hub's positions.
CREATE TABLE log(
  lsn         INTEGER PRIMARY KEY,
  stream      INTEGER NOT NULL,
  replica     INTEGER NOT NULL,
  seq         INTEGER NOT NULL,
  hash        BLOB NOT NULL,
  origin      INTEGER NOT NULL,   -- 0 own, 1 from below, 2 from upstream
  received_ms INTEGER NOT NULL,
  prev        BLOB,               -- per row of the commit: lsn distance (zigzag) and index of the change before; NULL while it waits
  body        BLOB NOT NULL       -- packed canonical bytes
) STRICT;
CREATE INDEX log_chain ON log(stream, replica, seq);

-- A commit that is in the log but not yet folded, and what it waits for.
CREATE TABLE waiting(
  lsn    INTEGER PRIMARY KEY,
  reason TEXT NOT NULL,           -- control, certificate, base
  what   TEXT NOT NULL
) STRICT;

-- The conflict ledger, replaced row by row whenever a row is folded.
CREATE TABLE conflict(
  entity     TEXT NOT NULL,
  stream     INTEGER NOT NULL,
  row        BLOB NOT NULL,
  grp        INTEGER NOT NULL,    -- group number; -1 the workflow
  loser      BLOB NOT NULL,
  kind       INTEGER NOT NULL,
  decided_by BLOB NOT NULL,
  winner     BLOB NOT NULL,
  rule       INTEGER NOT NULL,
  PRIMARY KEY(entity, row, stream, grp, loser, kind, decided_by)
) STRICT, WITHOUT ROWID;

-- A hub's devices and one-time codes.
CREATE TABLE device(
  token_hash   BLOB PRIMARY KEY,
  replica      BLOB NOT NULL,
  unit         TEXT NOT NULL,
  label        TEXT NOT NULL,
  enrolled_ms  INTEGER NOT NULL,
  last_seen_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE enrol_code(
  code_hash  BLOB PRIMARY KEY,
  unit       TEXT NOT NULL,
  expires_ms INTEGER NOT NULL,
  used_by    BLOB              -- the replica that enrolled with it; NULL: not used yet
) STRICT, WITHOUT ROWID;
