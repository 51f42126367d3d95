-- A content (a photo, a document) that a record of `evidence` names by its hash. The bytes lie in DIR/files.
CREATE TABLE content(
  hash     BLOB PRIMARY KEY,      -- BLAKE2b-256 of all of it
  size     INTEGER NOT NULL,      -- bytes
  whole    INTEGER NOT NULL,      -- 1: all of it is on the disk and fits its hash
  unit     TEXT NOT NULL,         -- whose quota it counts in
  wanted   INTEGER NOT NULL,      -- bits: 1 asked for here or below, 2 asked for by the hub above
  sent     INTEGER NOT NULL,      -- what the hub above said: 0 nothing yet, 1 has it, 2 when it asks, 3 refused
  why      TEXT NOT NULL,         -- of a refusal: one line
  since_ms INTEGER NOT NULL       -- when this node first heard of it
) STRICT, WITHOUT ROWID;
CREATE INDEX content_unit ON content(unit, size);
CREATE INDEX content_to_send ON content(sent, since_ms) WHERE whole = 1 AND sent <> 1;
CREATE INDEX content_to_fetch ON content(wanted) WHERE whole = 0 AND wanted <> 0;
-- Of a content that is not whole: which of its bytes are on the disk, without overlaps.
CREATE TABLE content_range(
  hash  BLOB NOT NULL,
  first INTEGER NOT NULL,
  past  INTEGER NOT NULL,         -- the byte after the last one
  PRIMARY KEY(hash, first)
) STRICT, WITHOUT ROWID;
-- Which levels have a content whole, as far as was told here. pos grows with every line: a hub's positions.
CREATE TABLE content_level(
  hash  BLOB NOT NULL,
  level INTEGER NOT NULL,         -- 2 township, 3 county, 4 city
  has   INTEGER NOT NULL,         -- 0: it was put back from a backup and has to say so again
  pos   INTEGER NOT NULL UNIQUE,
  PRIMARY KEY(hash, level)
) STRICT, WITHOUT ROWID;
