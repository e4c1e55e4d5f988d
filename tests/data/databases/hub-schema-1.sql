CREATE TABLE admin_token (
	token_hash BLOB NOT NULL, 
	name VARCHAR NOT NULL, 
	created_ms BIGINT NOT NULL, 
	PRIMARY KEY (token_hash)
);
CREATE TABLE approval (
	approval_id INTEGER NOT NULL, 
	store INTEGER NOT NULL, 
	"case" BIGINT NOT NULL, 
	challenge VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	at_ms BIGINT NOT NULL, 
	PRIMARY KEY (approval_id)
);
CREATE TABLE ask (
	ask_id BLOB NOT NULL, 
	kind VARCHAR NOT NULL, 
	order_id BLOB NOT NULL, 
	store INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	holder BLOB NOT NULL, 
	destination VARCHAR NOT NULL, 
	units BLOB NOT NULL, 
	released BLOB, 
	kept BLOB, 
	asked_ms BIGINT NOT NULL, 
	answered_ms BIGINT, 
	PRIMARY KEY (ask_id)
);
CREATE TABLE code (
	order_id BLOB NOT NULL, 
	lookup BLOB NOT NULL, 
	kind VARCHAR NOT NULL, 
	code_id BLOB, 
	grade INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	not_after_ms BIGINT NOT NULL, 
	pin BLOB, 
	state VARCHAR NOT NULL, 
	PRIMARY KEY (order_id, lookup)
);
CREATE TABLE code_lock (
	store INTEGER NOT NULL, 
	lookup BLOB NOT NULL, 
	credential VARCHAR NOT NULL, 
	locked_ms BIGINT NOT NULL, 
	released_ms BIGINT, 
	PRIMARY KEY (store, lookup, credential)
);
CREATE TABLE event (
	node VARCHAR NOT NULL, 
	incarnation BLOB NOT NULL, 
	seq BIGINT NOT NULL, 
	hlc BIGINT NOT NULL, 
	trusted_ms BIGINT NOT NULL, 
	kind VARCHAR NOT NULL, 
	schema INTEGER NOT NULL, 
	units BLOB NOT NULL, 
	body BLOB NOT NULL, 
	audit_seq BIGINT NOT NULL, 
	audit_hash BLOB NOT NULL, 
	outcome VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	received_ms BIGINT NOT NULL, 
	PRIMARY KEY (node, incarnation, seq)
);
CREATE TABLE event_order (
	order_id BLOB NOT NULL, 
	node VARCHAR NOT NULL, 
	incarnation BLOB NOT NULL, 
	seq BIGINT NOT NULL, 
	PRIMARY KEY (order_id, node, incarnation, seq)
);
CREATE TABLE feed (
	scope VARCHAR NOT NULL, 
	seq BIGINT NOT NULL, 
	kind VARCHAR NOT NULL, 
	row_key VARCHAR NOT NULL, 
	body BLOB NOT NULL, 
	must_understand BOOLEAN NOT NULL, 
	row_hash BLOB NOT NULL, 
	PRIMARY KEY (scope, seq)
);
CREATE TABLE feed_head (
	scope VARCHAR NOT NULL, 
	seq BIGINT NOT NULL, 
	row_hash BLOB NOT NULL, 
	PRIMARY KEY (scope)
);
INSERT INTO "feed_head" VALUES('chain',0,X'0000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO "feed_head" VALUES('store:101',0,X'0000000000000000000000000000000000000000000000000000000000000000');
CREATE TABLE hub (
	only INTEGER NOT NULL CHECK (only = 1), 
	schema_version INTEGER NOT NULL, 
	chain VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	demo BOOLEAN NOT NULL, 
	private BLOB NOT NULL, 
	generation BLOB NOT NULL, 
	created_ms BIGINT NOT NULL, 
	PRIMARY KEY (only)
);
INSERT INTO "hub" VALUES(1,1,'a1b2c3d4e5f60718','Old chain',0,X'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F',X'0001020304050607',1790000000000);
CREATE TABLE issuer_key (
	key_id INTEGER NOT NULL, 
	private BLOB NOT NULL, 
	public BLOB NOT NULL, 
	revoked BOOLEAN NOT NULL, 
	created_ms BIGINT NOT NULL, 
	PRIMARY KEY (key_id)
);
CREATE TABLE node (
	node VARCHAR NOT NULL, 
	incarnation BLOB NOT NULL, 
	store INTEGER NOT NULL, 
	public BLOB NOT NULL, 
	pairing_id VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	certificate BLOB NOT NULL, 
	signature BLOB NOT NULL, 
	asked_ms BIGINT NOT NULL, 
	enrolled_ms BIGINT, 
	seen_ms BIGINT, 
	acked_seq BIGINT NOT NULL, 
	backed_up_seq BIGINT NOT NULL, 
	audit_seq BIGINT NOT NULL, 
	audit_hash BLOB NOT NULL, 
	PRIMARY KEY (node, incarnation), 
	CHECK (state IN ('pending', 'enrolled', 'superseded'))
);
CREATE TABLE order_line (
	order_id BLOB NOT NULL, 
	line INTEGER NOT NULL, 
	sku VARCHAR NOT NULL, 
	quantity INTEGER NOT NULL, 
	bundle_of INTEGER, 
	PRIMARY KEY (order_id, line)
);
CREATE TABLE pairing (
	pairing_id VARCHAR NOT NULL, 
	store INTEGER NOT NULL, 
	secret BLOB NOT NULL, 
	created_ms BIGINT NOT NULL, 
	expires_ms BIGINT NOT NULL, 
	used_by VARCHAR, 
	PRIMARY KEY (pairing_id)
);
CREATE TABLE pickup_order (
	order_id BLOB NOT NULL, 
	order_no VARCHAR NOT NULL, 
	home_store INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	not_after_ms BIGINT NOT NULL, 
	last_not_after_ms BIGINT NOT NULL, 
	created_ms BIGINT NOT NULL, 
	lane VARCHAR NOT NULL, 
	ready BOOLEAN NOT NULL, 
	place VARCHAR NOT NULL, 
	bags INTEGER NOT NULL, 
	value_minor BIGINT NOT NULL, 
	currency VARCHAR NOT NULL, 
	min_grade INTEGER NOT NULL, 
	sealed BLOB, 
	phone_tail BLOB, 
	PRIMARY KEY (order_id), 
	CHECK (state IN ('open', 'cancel_pending', 'cancelled')), 
	UNIQUE (order_no)
);
CREATE TABLE product (
	sku VARCHAR NOT NULL, 
	gtin VARCHAR, 
	name_zh VARCHAR NOT NULL, 
	name_en VARCHAR NOT NULL, 
	storage VARCHAR NOT NULL, 
	min_grade INTEGER NOT NULL, 
	PRIMARY KEY (sku)
);
CREATE TABLE redemption (
	order_id BLOB NOT NULL, 
	line INTEGER NOT NULL, 
	unit INTEGER NOT NULL, 
	incarnation BLOB NOT NULL, 
	seq BIGINT NOT NULL, 
	node VARCHAR NOT NULL, 
	handover BIGINT NOT NULL, 
	at_ms BIGINT NOT NULL, 
	station VARCHAR NOT NULL, 
	operator VARCHAR, 
	credential VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	PRIMARY KEY (order_id, line, unit, incarnation, seq), 
	CHECK (state IN ('live', 'undone', 'conflict', 'conflict_undone'))
);
CREATE TABLE review_case (
	case_id INTEGER NOT NULL, 
	source VARCHAR NOT NULL, 
	store INTEGER NOT NULL, 
	node VARCHAR NOT NULL, 
	incarnation BLOB NOT NULL, 
	node_case BIGINT, 
	seq BIGINT, 
	order_id BLOB, 
	reason VARCHAR NOT NULL, 
	detail TEXT NOT NULL, 
	opened_ms BIGINT NOT NULL, 
	closed_ms BIGINT, 
	outcome VARCHAR, 
	operator VARCHAR, 
	note TEXT, 
	PRIMARY KEY (case_id)
);
CREATE TABLE setting (
	store INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (store, "key")
);
CREATE TABLE staff (
	store INTEGER NOT NULL, 
	staff_id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	role VARCHAR NOT NULL, 
	badge BLOB, 
	pin_hash VARCHAR, 
	active BOOLEAN NOT NULL, 
	PRIMARY KEY (store, staff_id)
);
CREATE TABLE store (
	number INTEGER NOT NULL, 
	code VARCHAR NOT NULL, 
	name_zh VARCHAR NOT NULL, 
	name_en VARCHAR NOT NULL, 
	k_store BLOB NOT NULL, 
	k_personal BLOB NOT NULL, 
	node VARCHAR, 
	incarnation BLOB NOT NULL, 
	PRIMARY KEY (number), 
	UNIQUE (code)
);
INSERT INTO "store" VALUES(101,'SH-01','店','Shop',X'0000000000000000000000000000000000000000000000000000000000000000',X'0000000000000000000000000000000000000000000000000000000000000000',NULL,X'0000000000000000');
CREATE TABLE unit (
	order_id BLOB NOT NULL, 
	line INTEGER NOT NULL, 
	unit INTEGER NOT NULL, 
	holder BLOB NOT NULL, 
	epoch INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	destination VARCHAR NOT NULL, 
	parked INTEGER NOT NULL, 
	PRIMARY KEY (order_id, line, unit), 
	CHECK (state IN ('held', 'handed', 'lapsed', 'released'))
);
INSERT INTO "unit" VALUES(X'00000000000000000000',1,1,X'0000000000000000',1,'held','',0);
CREATE UNIQUE INDEX redemption_once ON redemption (order_id, line, unit) WHERE state = 'live';
CREATE INDEX code_lookup ON code (lookup);
CREATE INDEX ix_ask_order_id ON ask (order_id);
CREATE INDEX feed_key ON feed (scope, kind, row_key, seq);
