-- name: counters
SELECT hlc, audit_seq, audit_hash, outbox_seq, time_floor_ms FROM counters WHERE id = 1
-- name: unit_begins
SELECT hlc, audit_seq, audit_hash, outbox_seq, time_floor_ms,
  coalesce((SELECT fenced FROM identity WHERE id = 1), 0) FROM counters WHERE id = 1
-- name: counters_write
UPDATE counters SET hlc = ?, audit_seq = ?, audit_hash = ?, outbox_seq = ?, time_floor_ms = ?
WHERE id = 1
-- name: audit_append
INSERT INTO audit (seq, hlc, body, hash) VALUES (?, ?, ?, ?)
-- name: audit_rows
SELECT seq, body, hash FROM audit WHERE seq > ? ORDER BY seq LIMIT ?
-- name: outbox_append
INSERT INTO outbox (seq, hlc, trusted_ms, kind, schema, units, body, audit_seq, audit_hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: outbox_unsent
SELECT seq, hlc, trusted_ms, kind, schema, units, body, audit_seq, audit_hash FROM outbox
WHERE seq > (SELECT outbox_acked FROM counters WHERE id = 1) ORDER BY seq LIMIT ?
-- name: outbox_count
SELECT outbox_seq - outbox_acked, (SELECT trusted_ms FROM outbox WHERE seq = outbox_acked + 1)
FROM counters WHERE id = 1
-- name: outbox_outcome
UPDATE outbox SET outcome = ?, reason = ? WHERE seq = ?
-- name: outbox_marks
UPDATE counters SET outbox_acked = max(outbox_acked, min(?, outbox_seq)),
  outbox_backed_up = max(outbox_backed_up, min(?, outbox_seq)) WHERE id = 1
-- name: outbox_kept
SELECT outbox_seq, outbox_acked, (SELECT coalesce(min(seq), outbox_seq + 1) FROM outbox)
FROM counters WHERE id = 1
-- name: outbox_rewind
UPDATE counters SET outbox_acked = min(outbox_acked, ?) WHERE id = 1
-- name: outbox_prune
DELETE FROM outbox WHERE seq <= (SELECT min(outbox_acked, outbox_backed_up) FROM counters)
  AND seq <= ? AND (outcome IS NULL OR outcome IN ('accepted', 'known'))
-- name: time_anchor
SELECT hub_ms, boot_ms, boot_id FROM time_anchor WHERE id = 1
-- name: time_anchor_write
INSERT INTO time_anchor (id, hub_ms, boot_ms, boot_id) VALUES (1, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET hub_ms = excluded.hub_ms, boot_ms = excluded.boot_ms,
  boot_id = excluded.boot_id
-- name: time_floor_raise
UPDATE counters SET time_floor_ms = max(time_floor_ms, ?) WHERE id = 1
-- name: failure_count
INSERT INTO failure (key, times, error, at_ms) VALUES (?, 1, ?, ?)
ON CONFLICT (key) DO UPDATE SET times = times + 1, error = excluded.error, at_ms = excluded.at_ms
RETURNING times
