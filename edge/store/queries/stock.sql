-- name: stock_level
SELECT sku, state, on_hand, counter, kiosk, safety, online, in_transit, locked, shortage, quarantine,
  consumed, tier, tier_ms, changed_ms FROM stock_level
WHERE sku = ? AND incarnation = (SELECT incarnation FROM identity WHERE id = 1)
-- name: stock_managed
SELECT sku FROM stock_level WHERE incarnation = (SELECT incarnation FROM identity WHERE id = 1)
-- name: stock_level_write
INSERT OR REPLACE INTO stock_level (sku, incarnation, state, on_hand, counter, kiosk, safety, online,
  in_transit, locked, shortage, quarantine, consumed, tier, tier_ms, changed_ms)
VALUES (?, (SELECT incarnation FROM identity WHERE id = 1), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: stock_order_took
UPDATE stock_level SET on_hand = on_hand - ?1, online = online - ?1, changed_ms = ?2
WHERE sku = ?3 AND state = 'based' AND online >= ?1
  AND incarnation = (SELECT incarnation FROM identity WHERE id = 1)
-- name: stock_movement_add
INSERT INTO stock_movement (incarnation, sku, kind, quantity, apart, document, station, operator, at_ms)
VALUES ((SELECT incarnation FROM identity WHERE id = 1), ?, ?, ?, ?, ?, ?, ?, ?)
-- name: stock_movements
SELECT movement, kind, quantity, apart, document, station, operator, at_ms FROM stock_movement
WHERE sku = ? AND incarnation = (SELECT incarnation FROM identity WHERE id = 1)
ORDER BY movement DESC LIMIT ?
-- name: stock_last_movement
SELECT coalesce(max(movement), 0) FROM stock_movement WHERE sku = ?
-- name: stock_expected
SELECT coalesce(sum(quantity), 0) FROM stock_movement WHERE sku = ? AND apart = 0
  AND (movement <= ? OR kind = 'count')
  AND incarnation = (SELECT incarnation FROM identity WHERE id = 1)
-- name: stock_count_known
SELECT counted, delta, at_ms FROM stock_count WHERE sku = ? AND base_seq = ?
  AND incarnation = (SELECT incarnation FROM identity WHERE id = 1)
-- name: stock_count_add
INSERT INTO stock_count (sku, base_seq, incarnation, counted, delta, at_ms)
VALUES (?, ?, (SELECT incarnation FROM identity WHERE id = 1), ?, ?, ?)
-- name: stock_plan
SELECT par, safety FROM cat.stock_plan WHERE sku = ?
-- name: stock_ordered
SELECT coalesce(sum(l.quantity - (SELECT count(*) FROM redemption r
    WHERE r.order_id = l.order_id AND r.line = l.line AND r.live = 1)
  - (SELECT count(*) FROM tombstone t WHERE t.order_id = l.order_id AND t.line = l.line
     AND t.epoch >= o.epoch)), 0)
FROM cat.order_line l JOIN cat.pickup_order o ON o.order_id = l.order_id
WHERE l.sku = ? AND o.state = 'open' AND o.home_store = ?
-- name: stock_lock_add
INSERT INTO stock_lock (incarnation, sku, quantity, station, operator, state, made_ms, term_ms,
  until_ms, sure, boot_id, until_boot_ms)
VALUES ((SELECT incarnation FROM identity WHERE id = 1), ?, ?, ?, ?, 'held', ?, ?, ?, ?, ?, ?)
-- name: stock_lock
SELECT lock, sku, quantity, station, operator, state, made_ms, until_ms, term_ms, ended_ms
FROM stock_lock WHERE lock = ? AND incarnation = (SELECT incarnation FROM identity WHERE id = 1)
-- name: stock_locks_held
SELECT lock, sku, quantity, station, operator, state, made_ms, until_ms, term_ms, ended_ms
FROM stock_lock WHERE sku = ? AND state = 'held'
  AND incarnation = (SELECT incarnation FROM identity WHERE id = 1) ORDER BY lock
-- name: stock_lock_end
UPDATE stock_lock SET state = ?, ended_ms = ? WHERE lock = ? AND state = 'held'
-- name: stock_locked_since
SELECT coalesce(sum(quantity), 0) FROM stock_lock WHERE sku = ? AND made_ms > ?
  AND incarnation = (SELECT incarnation FROM identity WHERE id = 1)
-- name: stock_locks_anew
UPDATE stock_lock SET boot_id = ?1, until_boot_ms = ?2 + term_ms, until_ms = ?3 + term_ms, sure = ?4
WHERE state = 'held' AND boot_id <> ?1 AND (sure = 0 OR ?4 = 0)
-- name: stock_locks_over
SELECT lock FROM stock_lock WHERE state = 'held' AND payments = 0
  AND incarnation = (SELECT incarnation FROM identity WHERE id = 1)
  AND ((boot_id = ?1 AND until_boot_ms <= ?2)
    OR (boot_id <> ?1 AND sure = 1 AND ?4 = 1 AND until_ms <= ?3))
ORDER BY lock LIMIT 200
-- name: stock_grants_open
SELECT move_id, sku, quantity, why FROM cat.right_grant g
WHERE settled = 0 AND holder = (SELECT incarnation FROM identity WHERE id = 1)
  AND NOT EXISTS (SELECT 1 FROM stock_right_move m WHERE m.move_id = g.move_id)
  AND NOT EXISTS (SELECT 1 FROM failure f WHERE f.key = 'right:' || lower(hex(move_id)) AND f.times >= 3)
-- name: stock_recalls_open
SELECT move_id, sku, quantity FROM cat.right_recall g
WHERE settled = 0 AND holder = (SELECT incarnation FROM identity WHERE id = 1)
  AND NOT EXISTS (SELECT 1 FROM stock_right_move m WHERE m.move_id = g.move_id)
  AND NOT EXISTS (SELECT 1 FROM failure f WHERE f.key = 'right:' || lower(hex(move_id)) AND f.times >= 3)
-- name: stock_right_known
SELECT 1 FROM stock_right_move WHERE move_id = ?
-- name: stock_right_keep
INSERT INTO stock_right_move (move_id, incarnation, sku, kind, quantity, seq, acknowledged, at_ms)
VALUES (?, (SELECT incarnation FROM identity WHERE id = 1), ?, ?, ?, ?, ?, ?)
-- name: stock_rights_heard
SELECT m.move_id, m.sku, m.quantity FROM stock_right_move m JOIN outbox o ON o.seq = m.seq
WHERE m.acknowledged = 0 AND o.outcome IN ('accepted', 'known')
  AND m.incarnation = (SELECT incarnation FROM identity WHERE id = 1)
-- name: stock_right_acknowledged
UPDATE stock_right_move SET acknowledged = 1 WHERE move_id = ? AND acknowledged = 0
-- name: stock_rights_on_way
SELECT move_id, quantity, at_ms FROM stock_right_move WHERE sku = ? AND acknowledged = 0
