-- name: effect_add
INSERT INTO effect (kind, handover, station, order_no, body, state, copy, of_effect, created_ms,
  changed_ms) VALUES (?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?)
-- name: effect
SELECT effect, kind, handover, station, order_no, body, state, copy, of_effect, printer, trouble,
  proof, created_ms, changed_ms FROM effect WHERE effect = ?
-- name: effects_queued
SELECT effect, kind, handover, station, order_no, body, state, copy, of_effect, printer, trouble,
  proof, created_ms, changed_ms FROM effect
WHERE state = 'queued' AND station IN (SELECT value FROM json_each(?)) ORDER BY effect LIMIT ?
-- name: effects_homeless
SELECT effect, kind, handover, station, order_no, body, state, copy, of_effect, printer, trouble,
  proof, created_ms, changed_ms FROM effect
WHERE state = 'queued' AND station NOT IN (SELECT value FROM json_each(?)) ORDER BY effect LIMIT ?
-- name: effects_recent
SELECT effect, kind, handover, station, order_no, body, state, copy, of_effect, printer, trouble,
  proof, created_ms, changed_ms FROM effect WHERE station = ? AND kind = 'slip'
  AND effect > (SELECT coalesce(max(effect), 0) - 1000 FROM effect) ORDER BY effect DESC LIMIT ?
-- name: effects_in_doubt
SELECT effect, kind, handover, station, order_no, body, state, copy, of_effect, printer, trouble,
  proof, created_ms, changed_ms FROM effect WHERE state = 'sent' AND proof IS NULL ORDER BY effect
-- name: effect_step
UPDATE effect SET state = ?, printer = ?, trouble = ?, proof = ?, changed_ms = ?
WHERE effect = ? AND state = ?
-- name: effect_trouble
UPDATE effect SET trouble = ?, changed_ms = ? WHERE effect = ? AND state = 'queued'
-- name: effects_waiting
SELECT count(*) FROM effect WHERE state IN ('queued', 'sent') AND proof IS NULL AND kind = 'slip'
