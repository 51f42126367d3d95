-- Where the chain's first commit would stand in the log: those up to the floor have their places without standing there,
-- and `marks` the first 16 bytes of each one's hash. 0: begun with an older program, marks of 8 bytes, places of its own
-- in the log for each commit that stands in a row.
ALTER TABLE floor ADD COLUMN first_lsn INTEGER NOT NULL DEFAULT 0;
