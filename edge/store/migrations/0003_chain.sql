-- Schema 3: the chain. A section a part. Times are integer ms.

-- rotating: per V3a code, the last step accepted (never again one up to it), and how far the phone's
-- clock is off, in steps. refused: the newest genuine step that came too late or too early.
CREATE TABLE rotating_step (
  lookup BLOB PRIMARY KEY CHECK (length(lookup) = 16), accepted INTEGER,
  skew INTEGER NOT NULL, refused INTEGER, refused_skew INTEGER NOT NULL, at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX rotating_step_time ON rotating_step (at_ms);
-- rotating: wrong digits lock a code too, so the list of credentials is longer.
CREATE TABLE lockout_3 (
  lookup BLOB NOT NULL, credential TEXT NOT NULL
    CHECK (credential IN ('pin', 'signature', 'rotating')),
  tries INTEGER NOT NULL, locked INTEGER NOT NULL CHECK (locked IN (0, 1)), review INTEGER,
  PRIMARY KEY (lookup, credential)
) STRICT, WITHOUT ROWID;
INSERT INTO lockout_3 SELECT lookup, credential, tries, locked, review FROM lockout;
DROP TABLE lockout;
ALTER TABLE lockout_3 RENAME TO lockout;
