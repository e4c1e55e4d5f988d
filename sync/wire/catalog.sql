-- The replica of HQ's data on a node, schema 2. The hub builds snapshots to this text, the node
-- creates and checks catalogs against it. Times: integer ms since the epoch, UTC. Ids: raw bytes.
CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE cursor (
  scope TEXT PRIMARY KEY, generation BLOB NOT NULL, seq INTEGER NOT NULL, row_hash BLOB NOT NULL,
  applied_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE store (
  number INTEGER PRIMARY KEY, code TEXT NOT NULL, name_zh TEXT NOT NULL, name_en TEXT NOT NULL
) STRICT;
CREATE TABLE product (
  sku TEXT PRIMARY KEY, gtin TEXT, name_zh TEXT NOT NULL, name_en TEXT NOT NULL,
  storage TEXT NOT NULL CHECK (storage IN ('ambient', 'chilled', 'frozen')),
  min_grade INTEGER NOT NULL CHECK (min_grade BETWEEN 1 AND 5)
) STRICT, WITHOUT ROWID;
CREATE INDEX product_gtin ON product (gtin) WHERE gtin IS NOT NULL;
CREATE TABLE pickup_order (
  order_id BLOB PRIMARY KEY CHECK (length(order_id) = 10),
  order_no TEXT NOT NULL, home_store INTEGER NOT NULL, holder BLOB NOT NULL,
  epoch INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('open', 'cancelled')),
  not_after_ms INTEGER NOT NULL, last_not_after_ms INTEGER NOT NULL,
  lane TEXT NOT NULL CHECK (lane IN ('normal', 'priority')),
  ready INTEGER NOT NULL CHECK (ready IN (0, 1)), place TEXT NOT NULL, bags INTEGER NOT NULL,
  value_minor INTEGER NOT NULL, currency TEXT NOT NULL,
  min_grade INTEGER NOT NULL CHECK (min_grade BETWEEN 1 AND 5),
  sealed BLOB, phone_tail BLOB,
  placed_ms INTEGER NOT NULL DEFAULT 0,
  on_short TEXT NOT NULL DEFAULT 'refund_line'
    CHECK (on_short IN ('substitute', 'refund_line', 'wait')),
  away_units INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE order_away (
  order_id BLOB NOT NULL, line INTEGER NOT NULL, unit INTEGER NOT NULL,
  PRIMARY KEY (order_id, line, unit)
) STRICT, WITHOUT ROWID;
CREATE INDEX pickup_order_granted ON pickup_order (epoch) WHERE epoch > 1;
CREATE INDEX pickup_order_no ON pickup_order (order_no);
CREATE INDEX pickup_order_phone ON pickup_order (phone_tail) WHERE phone_tail IS NOT NULL;
CREATE TABLE order_line (
  order_id BLOB NOT NULL, line INTEGER NOT NULL, sku TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 9999), bundle_of INTEGER,
  unit_minor INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (order_id, line)
) STRICT, WITHOUT ROWID;
CREATE TABLE code (
  lookup BLOB NOT NULL CHECK (length(lookup) = 16), order_id BLOB NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('v1', 'v2', 'v3', 'serial', 'platform')),
  grade INTEGER NOT NULL CHECK (grade BETWEEN 1 AND 5), epoch INTEGER NOT NULL,
  not_after_ms INTEGER NOT NULL, pin BLOB,
  state TEXT NOT NULL CHECK (state IN ('live', 'reissued', 'revoked')),
  tries INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (lookup, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX code_order ON code (order_id);
CREATE TABLE staff (
  staff_id TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL
    CHECK (role IN ('cashier', 'supervisor', 'manager', 'technician')),
  badge BLOB, pin_hash TEXT, active INTEGER NOT NULL CHECK (active IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX staff_badge ON staff (badge) WHERE badge IS NOT NULL;
CREATE TABLE issuer_key (
  key_id INTEGER PRIMARY KEY, public BLOB NOT NULL CHECK (length(public) = 32),
  revoked INTEGER NOT NULL CHECK (revoked IN (0, 1))
) STRICT;
CREATE TABLE ask (
  ask_id BLOB PRIMARY KEY CHECK (length(ask_id) = 16), kind TEXT NOT NULL, order_id BLOB NOT NULL,
  epoch INTEGER NOT NULL, holder BLOB NOT NULL, destination TEXT NOT NULL, units BLOB NOT NULL,
  settled INTEGER NOT NULL CHECK (settled IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX ask_order ON ask (order_id);
CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
-- picking: a transfer between stores or a purchase, as HQ knows it; `lines` packed (line, sku, n).
CREATE TABLE document (
  document TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('transfer', 'purchase')),
  from_store INTEGER, to_store INTEGER NOT NULL, supplier TEXT NOT NULL, order_no TEXT,
  state TEXT NOT NULL CHECK (state IN ('draft', 'dispatched', 'received', 'short')),
  created_ms INTEGER NOT NULL, lines BLOB NOT NULL
) STRICT, WITHOUT ROWID;
-- The secret of a rotating code (V3a), sealed for this store; gone when its window is over.
CREATE TABLE rotating_key (
  lookup BLOB PRIMARY KEY CHECK (length(lookup) = 16), order_id BLOB NOT NULL,
  sealed BLOB NOT NULL, from_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX rotating_key_until ON rotating_key (until_ms);
CREATE INDEX order_line_sku ON order_line (sku);
CREATE TABLE stock_plan (
  sku TEXT PRIMARY KEY, par INTEGER NOT NULL CHECK (par > 0),
  safety INTEGER NOT NULL CHECK (safety >= 0)
) STRICT, WITHOUT ROWID;
CREATE TABLE right_grant (
  move_id BLOB PRIMARY KEY CHECK (length(move_id) = 16), sku TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity >= 0), holder BLOB NOT NULL,
  why TEXT NOT NULL CHECK (why IN ('moved', 'base')),
  settled INTEGER NOT NULL CHECK (settled IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE TABLE right_recall (
  move_id BLOB PRIMARY KEY CHECK (length(move_id) = 16), sku TEXT NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity >= 0), holder BLOB NOT NULL,
  settled INTEGER NOT NULL CHECK (settled IN (0, 1))
) STRICT, WITHOUT ROWID;
-- provisional: what this box may risk on other stores' orders, as HQ signed it.
CREATE TABLE budget (
  budget_id BLOB PRIMARY KEY CHECK (length(budget_id) = 16), holder BLOB NOT NULL,
  granted BLOB NOT NULL, signature BLOB NOT NULL CHECK (length(signature) = 64),
  not_after_ms INTEGER NOT NULL, ended INTEGER NOT NULL CHECK (ended IN (0, 1))
) STRICT, WITHOUT ROWID;
-- recall: what is not handed out, and since when.
CREATE TABLE recall (
  recall_id BLOB PRIMARY KEY CHECK (length(recall_id) = 16),
  kind TEXT NOT NULL CHECK (kind IN ('sku', 'order', 'code')), sku TEXT, order_id BLOB, lookup BLOB,
  reason TEXT NOT NULL, asked_ms INTEGER NOT NULL, until_ms INTEGER,
  ended INTEGER NOT NULL CHECK (ended IN (0, 1))
) STRICT, WITHOUT ROWID;
-- prices: each from an instant on; own: this store's, before the chain's.
CREATE TABLE price (
  sku TEXT NOT NULL, own INTEGER NOT NULL CHECK (own IN (0, 1)), effective_from_ms INTEGER NOT NULL,
  minor INTEGER NOT NULL CHECK (minor >= 0), PRIMARY KEY (sku, own, effective_from_ms)
) STRICT, WITHOUT ROWID;
