-- An author's signature (suite, then signature) under this commit: it covers the commit and all below it in its chain.
-- Commits in between have none.
ALTER TABLE log ADD COLUMN sig BLOB;
ALTER TABLE held ADD COLUMN sig BLOB;
-- A certificate that cannot be judged yet: its issuer's, or the control position that it names, is not here.
CREATE TABLE certificate_waiting(
  hash BLOB PRIMARY KEY,
  body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
-- Acks are signed by the level that they speak for; NULL: said by the hub itself, for this node only.
ALTER TABLE ack ADD COLUMN signer BLOB;
ALTER TABLE ack ADD COLUMN signature BLOB;
