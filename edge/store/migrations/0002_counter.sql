-- Schema 2: what a counter keeps of training, approvals and undos. Times are integer ms.

-- A station in training mode; survives a restart, so that a trainee never wakes up with real goods.
CREATE TABLE station_training (
  station TEXT PRIMARY KEY, since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When a person last gave the PIN here, at whichever station: once a shift is enough.
CREATE TABLE shift_pin (
  staff_id TEXT PRIMARY KEY, at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who took a hand-over back where; its rate is watched.
CREATE TABLE undo_act (
  handover INTEGER PRIMARY KEY, station TEXT NOT NULL, operator TEXT, at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX undo_act_time ON undo_act (at_ms);

-- Six digits that a person at HQ answers for one case; used once, dead after three wrong answers.
CREATE TABLE challenge (
  review INTEGER PRIMARY KEY REFERENCES review (review), digits TEXT NOT NULL,
  at_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
  used_ms INTEGER
) STRICT;
CREATE INDEX challenge_time ON challenge (at_ms);

-- What a person approved alone; `review` is the case that reports it.
CREATE TABLE lone_act (
  review INTEGER PRIMARY KEY REFERENCES review (review), staff_id TEXT NOT NULL,
  amount_minor INTEGER NOT NULL, at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX lone_act_person ON lone_act (staff_id, at_ms);
