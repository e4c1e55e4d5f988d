-- The ledger, schema 1. Times are integer ms; ids raw bytes; nothing here names a customer.

-- One row: who this box is. Everything but the pointer is written at enrolment.
CREATE TABLE identity (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  private_key BLOB NOT NULL CHECK (length(private_key) = 32),
  incarnation BLOB NOT NULL CHECK (length(incarnation) = 8),
  machine TEXT NOT NULL,
  fenced INTEGER NOT NULL CHECK (fenced IN (0, 1)),
  certificate BLOB, k_store BLOB CHECK (k_store IS NULL OR length(k_store) = 32),
  hub_public BLOB, acknowledged_from_ms INTEGER,
  catalog_number INTEGER NOT NULL, next_catalog_number INTEGER NOT NULL
) STRICT;

-- One row, written with every act: heads, and the trusted time they were written at.
CREATE TABLE counters (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  hlc INTEGER NOT NULL, audit_seq INTEGER NOT NULL, audit_hash BLOB NOT NULL,
  outbox_seq INTEGER NOT NULL, outbox_acked INTEGER NOT NULL, outbox_backed_up INTEGER NOT NULL,
  time_floor_ms INTEGER NOT NULL
) STRICT;
INSERT INTO counters VALUES (1, 0, 0, zeroblob(32), 0, 0, 0, 0);

-- The last hub-signed time and the boot reading beside it.
CREATE TABLE time_anchor (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  hub_ms INTEGER NOT NULL, boot_ms INTEGER NOT NULL, boot_id TEXT NOT NULL
) STRICT;

CREATE TABLE handover (
  handover INTEGER PRIMARY KEY, order_id BLOB NOT NULL, order_no TEXT NOT NULL,
  epoch INTEGER NOT NULL, station TEXT NOT NULL, operator TEXT, at_ms INTEGER NOT NULL,
  credential TEXT NOT NULL, basis TEXT NOT NULL, run TEXT NOT NULL, boot_ms INTEGER NOT NULL,
  recorded_later INTEGER NOT NULL DEFAULT 0, undone_ms INTEGER
) STRICT;
CREATE INDEX handover_order ON handover (order_id);

-- A unit of an order, handed over. The index is the arbiter of promise 1.
CREATE TABLE redemption (
  redemption INTEGER PRIMARY KEY, order_id BLOB NOT NULL, line INTEGER NOT NULL,
  unit INTEGER NOT NULL, handover INTEGER NOT NULL REFERENCES handover (handover),
  live INTEGER NOT NULL CHECK (live IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX redemption_once ON redemption (order_id, line, unit) WHERE live = 1;

-- A unit that this box gave up; only a higher epoch of its order clears it.
CREATE TABLE tombstone (
  order_id BLOB NOT NULL, line INTEGER NOT NULL, unit INTEGER NOT NULL, epoch INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('released', 'lapsed')), destination TEXT NOT NULL,
  at_ms INTEGER NOT NULL, PRIMARY KEY (order_id, line, unit)
) STRICT, WITHOUT ROWID;

CREATE TABLE ask_answer (
  ask_id BLOB PRIMARY KEY, at_ms INTEGER NOT NULL, released INTEGER NOT NULL, kept INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE grant_accepted (
  order_id BLOB NOT NULL, line INTEGER NOT NULL, unit INTEGER NOT NULL, epoch INTEGER NOT NULL,
  at_ms INTEGER NOT NULL, PRIMARY KEY (order_id, line, unit, epoch)
) STRICT, WITHOUT ROWID;

-- Lines learned from a PL beside a V2 that was never synced; kept for the rest of the order.
CREATE TABLE token_order (
  order_id BLOB PRIMARY KEY, lookup BLOB NOT NULL UNIQUE, epoch INTEGER NOT NULL,
  not_after_ms INTEGER NOT NULL, grade INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE token_line (
  order_id BLOB NOT NULL, line INTEGER NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL,
  PRIMARY KEY (order_id, line)
) STRICT, WITHOUT ROWID;

-- An order that a counter is serving now.
CREATE TABLE claim (
  order_id BLOB PRIMARY KEY, station TEXT NOT NULL, operator TEXT, credential TEXT NOT NULL,
  basis TEXT NOT NULL, since_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE lockout (
  lookup BLOB NOT NULL, credential TEXT NOT NULL CHECK (credential IN ('pin', 'signature')),
  tries INTEGER NOT NULL, locked INTEGER NOT NULL CHECK (locked IN (0, 1)), review INTEGER,
  PRIMARY KEY (lookup, credential)
) STRICT, WITHOUT ROWID;

CREATE TABLE review (
  review INTEGER PRIMARY KEY, reason TEXT NOT NULL, order_id BLOB, order_no TEXT, lookup BLOB,
  credential TEXT, tries INTEGER, station TEXT, opened_ms INTEGER NOT NULL, opened_by TEXT,
  closed_ms INTEGER, closed_by TEXT, outcome TEXT, note TEXT
) STRICT;
CREATE INDEX review_open ON review (opened_ms) WHERE closed_ms IS NULL;

-- A committed intent to act. state is a ladder; `sent` is durable before the first byte goes out.
CREATE TABLE effect (
  effect INTEGER PRIMARY KEY, kind TEXT NOT NULL, handover INTEGER, station TEXT NOT NULL,
  order_no TEXT, body BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'confirmed', 'unknown', 'failed')),
  copy INTEGER NOT NULL DEFAULT 0, of_effect INTEGER, printer TEXT, trouble TEXT, proof TEXT,
  created_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX effect_open ON effect (effect) WHERE state IN ('queued', 'sent');
CREATE INDEX effect_handover ON effect (handover) WHERE handover IS NOT NULL;

-- What was answered, under the caller's key (16-byte keyed hash) when it gave one.
CREATE TABLE answer (
  answer INTEGER PRIMARY KEY, station TEXT NOT NULL, request BLOB UNIQUE, body_mac BLOB,
  kind TEXT NOT NULL, body BLOB NOT NULL, at_ms INTEGER NOT NULL, shown_ms INTEGER
) STRICT;

CREATE TABLE operator (
  station TEXT PRIMARY KEY, staff_id TEXT NOT NULL, since_ms INTEGER NOT NULL, pin_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE pin_try (
  staff_id TEXT PRIMARY KEY, failures INTEGER NOT NULL, not_before_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE find_try (
  station TEXT NOT NULL, at_ms INTEGER NOT NULL
) STRICT;

-- An act that threw; at three it is parked as a case.
CREATE TABLE failure (
  key TEXT PRIMARY KEY, times INTEGER NOT NULL, error TEXT NOT NULL, at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, hlc INTEGER NOT NULL, body BLOB NOT NULL, hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_append_only_update BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_append_only_delete BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY, hlc INTEGER NOT NULL, trusted_ms INTEGER NOT NULL, kind TEXT NOT NULL,
  schema INTEGER NOT NULL, units BLOB NOT NULL, body BLOB NOT NULL,
  audit_seq INTEGER NOT NULL, audit_hash BLOB NOT NULL, outcome TEXT, reason TEXT
) STRICT;
