-- What the city's checkpoints say, read from their commits: rebuilt with the rows.
-- A commit that a checkpoint names: it and what it follows is covered since at_ms.
CREATE TABLE horizon(
  stream  INTEGER NOT NULL,
  replica INTEGER NOT NULL,
  seq     INTEGER NOT NULL,
  hash    BLOB NOT NULL,
  at_ms   INTEGER NOT NULL,
  PRIMARY KEY(stream, replica, seq, hash)
) STRICT, WITHOUT ROWID;
-- How far the city's newest backup holds a chain.
CREATE TABLE backed(
  stream  INTEGER NOT NULL,
  replica INTEGER NOT NULL,
  seq     INTEGER NOT NULL,
  hash    BLOB NOT NULL,
  PRIMARY KEY(stream, replica)
) STRICT, WITHOUT ROWID;
-- The newest checkpoint commit of a stream.
CREATE TABLE checkpoint(
  stream INTEGER PRIMARY KEY,
  lsn    INTEGER NOT NULL,
  at_ms  INTEGER NOT NULL,
  hash   BLOB NOT NULL,
  digest BLOB NOT NULL
) STRICT;
-- Commits whose time lies behind the checkpoint that first covered them: it counts as none.
CREATE TABLE unstamped(
  lsn INTEGER PRIMARY KEY
) STRICT;
-- A device that began from a state: the chain's commits up to here are in the rows and not in the log.
CREATE TABLE floor(
  stream  INTEGER NOT NULL,
  replica INTEGER NOT NULL,
  seq     INTEGER NOT NULL,
  hash    BLOB NOT NULL,
  marks   BLOB NOT NULL,          -- the first 8 bytes of each one's hash, by seq: what comes again is known by them
  PRIMARY KEY(stream, replica)
) STRICT, WITHOUT ROWID;
-- Rows whose dropped history is needed again: asked of the hub at the next sync.
CREATE TABLE wanted_row(
  stream INTEGER NOT NULL,
  entity TEXT NOT NULL,
  row    BLOB NOT NULL,
  PRIMARY KEY(stream, entity, row)
) STRICT, WITHOUT ROWID;
