-- Schema 3: the chain. A section a part. Times are integer ms.

-- spine: nothing looks a hand-over up by its order, nor an effect by its hand-over, any more; each
-- index was one more page in every redeem's commit.
DROP INDEX handover_order;
DROP INDEX effect_handover;

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

-- stock: an article's pieces and who may promise them (`sync/rules/rights.py`), of one incarnation;
-- what another incarnation left here counts for nothing until somebody counts.
CREATE TABLE stock_level (
  sku TEXT PRIMARY KEY, incarnation BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('uncounted', 'counted', 'based')),
  on_hand INTEGER NOT NULL, quarantine INTEGER NOT NULL CHECK (quarantine >= 0),
  counter INTEGER NOT NULL CHECK (counter >= 0), kiosk INTEGER NOT NULL CHECK (kiosk >= 0),
  safety INTEGER NOT NULL CHECK (safety >= 0), online INTEGER NOT NULL CHECK (online >= 0),
  in_transit INTEGER NOT NULL CHECK (in_transit >= 0 OR state <> 'based'),
  locked INTEGER NOT NULL CHECK (locked >= 0), shortage INTEGER NOT NULL CHECK (shortage >= 0),
  consumed INTEGER NOT NULL DEFAULT 0, tier INTEGER NOT NULL DEFAULT 0,
  tier_ms INTEGER NOT NULL DEFAULT 0, changed_ms INTEGER NOT NULL,
  CHECK (on_hand = counter + kiosk + safety + online + in_transit + locked - shortage)
) STRICT, WITHOUT ROWID;
-- stock: physical facts, never changed; a level is their sum.
CREATE TABLE stock_movement (
  movement INTEGER PRIMARY KEY, incarnation BLOB NOT NULL, sku TEXT NOT NULL, kind TEXT NOT NULL,
  quantity INTEGER NOT NULL, apart INTEGER NOT NULL CHECK (apart IN (0, 1)),
  document TEXT NOT NULL, station TEXT, operator TEXT, at_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX stock_movement_sku ON stock_movement (sku, movement);
CREATE TABLE stock_count (
  sku TEXT NOT NULL, base_seq INTEGER NOT NULL, incarnation BLOB NOT NULL,
  counted INTEGER NOT NULL CHECK (counted >= 0), delta INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  PRIMARY KEY (sku, base_seq, incarnation)
) STRICT, WITHOUT ROWID;
-- stock: pieces set aside. In the boot it was made in, boot time ends it; after another, trusted
-- time, if it was sure then and is sure now; else its term runs anew. payments: open attempts.
CREATE TABLE stock_lock (
  lock INTEGER PRIMARY KEY, incarnation BLOB NOT NULL, sku TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  station TEXT NOT NULL, operator TEXT,
  state TEXT NOT NULL CHECK (state IN ('held', 'taken', 'released', 'expired')),
  made_ms INTEGER NOT NULL, term_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL,
  sure INTEGER NOT NULL CHECK (sure IN (0, 1)), boot_id TEXT NOT NULL, until_boot_ms INTEGER NOT NULL,
  payments INTEGER NOT NULL DEFAULT 0 CHECK (payments >= 0), ended_ms INTEGER
) STRICT;
CREATE INDEX stock_lock_held ON stock_lock (sku) WHERE state = 'held';
CREATE INDEX stock_lock_made ON stock_lock (sku, made_ms);
-- stock: rights that came or went, each once by its id. seq: of the event that told; 0: to tell none.
CREATE TABLE stock_right_move (
  move_id BLOB PRIMARY KEY, incarnation BLOB NOT NULL, sku TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('grant', 'base', 'recall')), quantity INTEGER NOT NULL,
  seq INTEGER NOT NULL, acknowledged INTEGER NOT NULL CHECK (acknowledged IN (0, 1)),
  at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX stock_right_open ON stock_right_move (seq) WHERE acknowledged = 0;

-- boxes: incarnations that this ledger had before, how far each went, and why it ended.
CREATE TABLE incarnation_before (
  incarnation BLOB PRIMARY KEY CHECK (length(incarnation) = 8), ended_audit_seq INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL, why TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- boxes: events of an incarnation before, until HQ has them; handed in under its name.
CREATE TABLE outbox_before (
  incarnation BLOB NOT NULL, seq INTEGER NOT NULL, hlc INTEGER NOT NULL, trusted_ms INTEGER NOT NULL,
  kind TEXT NOT NULL, schema INTEGER NOT NULL, units BLOB NOT NULL, body BLOB NOT NULL,
  audit_seq INTEGER NOT NULL, audit_hash BLOB NOT NULL, acked INTEGER NOT NULL CHECK (acked IN (0, 1)),
  PRIMARY KEY (incarnation, seq)
) STRICT, WITHOUT ROWID;
-- boxes: why the box is fenced; a row only while it is.
CREATE TABLE fence (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  why TEXT NOT NULL CHECK (why IN ('machine', 'fork', 'witness', 'restored', 'superseded')),
  since_ms INTEGER NOT NULL, detail TEXT NOT NULL
) STRICT;
-- boxes: what HQ signed of the boxes whose place this one took, to be shown to them.
CREATE TABLE takeover_paper (
  takeover BLOB PRIMARY KEY, signature BLOB NOT NULL
) STRICT, WITHOUT ROWID;
-- boxes: an order of an incarnation before, whose goods a named person has found still here.
CREATE TABLE attested (
  order_id BLOB PRIMARY KEY, incarnation BLOB NOT NULL, holder BLOB NOT NULL,
  epoch INTEGER NOT NULL, staff_id TEXT NOT NULL, at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- picking: an order being picked or lying ready. ready, place, bags stand once it lies in its bin;
-- they count over what HQ's row says, also while the line is cut.
CREATE TABLE pick (
  order_id BLOB PRIMARY KEY, order_no TEXT NOT NULL, started_ms INTEGER NOT NULL, started_by TEXT,
  ready INTEGER CHECK (ready = 1), ready_ms INTEGER, ready_by TEXT, place TEXT, bags INTEGER
) STRICT, WITHOUT ROWID;
CREATE TABLE pick_line (
  order_id BLOB NOT NULL, line INTEGER NOT NULL, found INTEGER NOT NULL CHECK (found >= 0),
  PRIMARY KEY (order_id, line)
) STRICT, WITHOUT ROWID;
-- picking: a unit that was not on the shelf, and what was done by the customer's choice.
CREATE TABLE pick_short (
  order_id BLOB NOT NULL, line INTEGER NOT NULL, unit INTEGER NOT NULL, epoch INTEGER NOT NULL,
  choice TEXT NOT NULL CHECK (choice IN ('substitute', 'refund_line', 'wait')),
  sub_sku TEXT, sub_minor INTEGER CHECK (sub_minor >= 0), at_ms INTEGER NOT NULL, operator TEXT,
  PRIMARY KEY (order_id, line, unit)
) STRICT, WITHOUT ROWID;
-- picking: goods of a document leave or arrive here once.
CREATE TABLE document_act (
  document TEXT NOT NULL, act TEXT NOT NULL CHECK (act IN ('dispatched', 'received')),
  at_ms INTEGER NOT NULL, station TEXT NOT NULL, operator TEXT, counts BLOB NOT NULL,
  PRIMARY KEY (document, act)
) STRICT, WITHOUT ROWID;

-- reconcile: what was reported to HQ of a business day, and HQ's signed result once it came.
CREATE TABLE reconcile_report (
  day TEXT NOT NULL, incarnation BLOB NOT NULL CHECK (length(incarnation) = 8),
  at_ms INTEGER NOT NULL, report BLOB NOT NULL, signature BLOB NOT NULL, result BLOB NOT NULL,
  result_signature BLOB NOT NULL, differences INTEGER NOT NULL CHECK (differences >= 0),
  answered_ms INTEGER NOT NULL, PRIMARY KEY (day, incarnation)
) STRICT, WITHOUT ROWID;

-- recall: what HQ stopped, answered once by each incarnation; nothing of it leaves from then on.
CREATE TABLE recall_answer (
  recall_id BLOB NOT NULL CHECK (length(recall_id) = 16), incarnation BLOB NOT NULL,
  at_ms INTEGER NOT NULL, stopped_units INTEGER NOT NULL, handed_units INTEGER NOT NULL,
  PRIMARY KEY (recall_id, incarnation)
) STRICT, WITHOUT ROWID;

-- provisional: what was spent of each budget. The limits are HQ's, as signed; the ledger holds them.
CREATE TABLE budget_spent (
  budget_id BLOB PRIMARY KEY CHECK (length(budget_id) = 16), incarnation BLOB NOT NULL,
  pieces INTEGER NOT NULL, amount_minor INTEGER NOT NULL,
  most_pieces INTEGER NOT NULL, most_minor INTEGER NOT NULL,
  CHECK (pieces BETWEEN 0 AND most_pieces), CHECK (amount_minor BETWEEN 0 AND most_minor)
) STRICT, WITHOUT ROWID;
-- provisional: hand-overs of other stores' orders; lookup: of the code that was shown.
CREATE TABLE provisional (
  handover INTEGER PRIMARY KEY, budget_id BLOB NOT NULL, order_id BLOB NOT NULL,
  lookup BLOB NOT NULL, home_store INTEGER NOT NULL, pieces INTEGER NOT NULL CHECK (pieces > 0),
  amount_minor INTEGER NOT NULL CHECK (amount_minor >= 0)
) STRICT;
CREATE INDEX provisional_order ON provisional (order_id);
CREATE INDEX provisional_lookup ON provisional (lookup);
