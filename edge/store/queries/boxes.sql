-- name: fence_why
SELECT why, since_ms, detail FROM fence WHERE id = 1
-- name: fence_because
INSERT INTO fence (id, why, since_ms, detail) VALUES (1, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET why = excluded.why, since_ms = excluded.since_ms,
  detail = excluded.detail
-- name: fence_lift
DELETE FROM fence WHERE id = 1
-- name: identity_unfence
UPDATE identity SET fenced = 0 WHERE id = 1
-- name: incarnation_end
INSERT INTO incarnation_before (incarnation, ended_audit_seq, ended_ms, why)
SELECT i.incarnation, c.audit_seq, ?, ? FROM identity i, counters c
-- name: incarnation_begin
UPDATE identity SET incarnation = ?, fenced = 1 WHERE id = 1
-- name: incarnations_before
SELECT incarnation, ended_audit_seq, ended_ms, why FROM incarnation_before
ORDER BY ended_audit_seq, ended_ms
-- name: machine_bind
UPDATE identity SET machine = ? WHERE id = 1
-- name: outbox_set_aside
INSERT INTO outbox_before (incarnation, seq, hlc, trusted_ms, kind, schema, units, body, audit_seq,
  audit_hash, acked)
SELECT i.incarnation, o.seq, o.hlc, o.trusted_ms, o.kind, o.schema, o.units, o.body, o.audit_seq,
  o.audit_hash, o.seq <= c.outbox_acked FROM outbox o, identity i, counters c
-- name: outbox_empty
DELETE FROM outbox
-- name: outbox_restart
UPDATE counters SET outbox_seq = 0, outbox_acked = 0, outbox_backed_up = 0 WHERE id = 1
-- name: outbox_before_unsent
SELECT incarnation, seq, hlc, trusted_ms, kind, schema, units, body, audit_seq, audit_hash
FROM outbox_before WHERE acked = 0 AND incarnation = (
  SELECT incarnation FROM outbox_before WHERE acked = 0 ORDER BY audit_seq, seq LIMIT 1)
ORDER BY seq LIMIT ?
-- name: outbox_before_acked
UPDATE outbox_before SET acked = 1 WHERE incarnation = ? AND seq <= ?
-- name: outbox_before_count
SELECT count(*) FROM outbox_before WHERE acked = 0
-- name: takeover_keep
INSERT INTO takeover_paper (takeover, signature) VALUES (?, ?) ON CONFLICT (takeover) DO NOTHING
-- name: takeovers
SELECT takeover, signature FROM takeover_paper
-- name: attest_order
INSERT INTO attested (order_id, incarnation, holder, epoch, staff_id, at_ms)
VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET
  incarnation = excluded.incarnation, holder = excluded.holder, epoch = excluded.epoch,
  staff_id = excluded.staff_id, at_ms = excluded.at_ms
-- name: audit_at
SELECT hash FROM audit WHERE seq = ?
-- name: catalog_skip_to
UPDATE identity SET catalog_number = ?, next_catalog_number = ? WHERE id = 1
-- name: outbox_since
SELECT seq, hlc, trusted_ms, kind, schema, units, body, audit_seq, audit_hash FROM outbox
WHERE seq > max(?, (SELECT outbox_acked FROM counters WHERE id = 1)) ORDER BY seq LIMIT ?
-- name: outbox_ends
SELECT outbox_seq, outbox_acked, audit_seq, audit_hash FROM counters WHERE id = 1
-- name: begin_again_claims
DELETE FROM claim
-- name: begin_again_operators
DELETE FROM operator
-- name: begin_again_effects
UPDATE effect SET state = 'failed', trouble = 'restored' WHERE state IN ('queued', 'sent')
-- name: outbox_before_all
SELECT incarnation, seq, hlc, trusted_ms, kind, schema, units, body, audit_seq, audit_hash
FROM outbox_before WHERE acked = 0 ORDER BY incarnation, seq
-- name: outbox_before_witnesses
SELECT DISTINCT audit_seq, audit_hash FROM outbox_before ORDER BY audit_seq
