-- A commit that a bundle brought before the one it follows: it takes no effect until that one is here.
CREATE TABLE held(
  unit     TEXT NOT NULL,
  audience INTEGER NOT NULL,
  replica  BLOB NOT NULL,
  seq      INTEGER NOT NULL,
  hash     BLOB NOT NULL,
  origin   INTEGER NOT NULL,      -- as in log
  body     BLOB NOT NULL,         -- packed canonical bytes
  UNIQUE(unit, audience, replica, seq, hash)
) STRICT;
