-- How far a chain (one replica's commits in one stream) is on the disks of the levels above: what this node was
-- told by its hub and what it passes on to those below. pos grows with every change: a hub's positions.
CREATE TABLE ack(
  unit     TEXT NOT NULL,
  audience INTEGER NOT NULL,
  replica  BLOB NOT NULL,
  level    INTEGER NOT NULL,      -- 2 township, 3 county, 4 city
  seq      INTEGER NOT NULL,
  hash     BLOB NOT NULL,
  pos      INTEGER NOT NULL UNIQUE,
  PRIMARY KEY(unit, audience, replica, level)
) STRICT, WITHOUT ROWID;
