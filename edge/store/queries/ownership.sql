-- name: grants_open
SELECT o.order_id FROM cat.pickup_order o
WHERE o.epoch > 1 AND o.state = 'open' AND o.home_store = ? AND o.holder = ?
  AND NOT EXISTS (SELECT 1 FROM grant_accepted g WHERE g.order_id = o.order_id
    AND g.line = 0 AND g.unit = 0 AND g.epoch = o.epoch)
  AND NOT EXISTS (SELECT 1 FROM failure f
    WHERE f.key = 'grant:' || lower(hex(o.order_id)) AND f.times >= 3)
LIMIT ?
-- name: grant_keep
INSERT INTO grant_accepted (order_id, line, unit, epoch, at_ms) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
-- name: tries_of_codes
SELECT lookup, kind, tries FROM cat.code WHERE order_id = ? AND tries > 0
-- name: lockout_carry
INSERT INTO lockout (lookup, credential, tries, locked) VALUES (?, ?, ?, 0)
ON CONFLICT (lookup, credential) DO NOTHING
-- name: lockouts_of_order
SELECT l.lookup, l.credential, l.tries FROM lockout l JOIN cat.code c ON c.lookup = l.lookup
WHERE c.order_id = ? ORDER BY l.lookup LIMIT 40
-- name: tombstone_name
UPDATE tombstone SET reason = 'released', destination = ?1, at_ms = ?2
WHERE order_id = ?3 AND line = ?4 AND unit = ?5 AND epoch = ?6 AND reason = 'lapsed'
-- name: setting_value
SELECT value FROM cat.setting WHERE key = ?
