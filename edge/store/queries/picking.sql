-- name: picks_waiting
SELECT o.order_id FROM cat.pickup_order o LEFT JOIN pick k ON k.order_id = o.order_id
WHERE o.state = 'open' AND o.home_store = ?1 AND coalesce(k.ready, o.ready) = 0
  AND o.not_after_ms >= ?2
  AND (SELECT sum(l.quantity) FROM cat.order_line l WHERE l.order_id = o.order_id) >
    (SELECT count(*) FROM redemption r WHERE r.order_id = o.order_id AND r.live = 1)
    + (SELECT count(*) FROM tombstone t WHERE t.order_id = o.order_id AND t.epoch >= o.epoch)
ORDER BY o.lane <> 'priority', o.placed_ms, o.order_no LIMIT ?3
-- name: picks_ready
SELECT o.order_id FROM pick k JOIN cat.pickup_order o ON o.order_id = k.order_id
WHERE o.state = 'open' AND o.home_store = ?1 AND k.ready = 1 AND o.not_after_ms >= ?2
  AND (SELECT sum(l.quantity) FROM cat.order_line l WHERE l.order_id = o.order_id) >
    (SELECT count(*) FROM redemption r WHERE r.order_id = o.order_id AND r.live = 1)
    + (SELECT count(*) FROM tombstone t WHERE t.order_id = o.order_id AND t.epoch >= o.epoch)
ORDER BY k.ready_ms DESC LIMIT ?3
-- name: picks_ahead
SELECT count(*) FROM cat.pickup_order o LEFT JOIN pick k ON k.order_id = o.order_id
WHERE o.state = 'open' AND o.home_store = ?1 AND coalesce(k.ready, o.ready) = 0
  AND o.not_after_ms >= ?2
  AND (SELECT sum(l.quantity) FROM cat.order_line l WHERE l.order_id = o.order_id) >
    (SELECT count(*) FROM redemption r WHERE r.order_id = o.order_id AND r.live = 1)
    + (SELECT count(*) FROM tombstone t WHERE t.order_id = o.order_id AND t.epoch >= o.epoch)
  AND (o.lane <> 'priority', o.placed_ms, o.order_no) <
    (SELECT w.lane <> 'priority', w.placed_ms, w.order_no
     FROM cat.pickup_order w WHERE w.order_id = ?3)
-- name: pick_placed
SELECT placed_ms, on_short FROM cat.pickup_order WHERE order_id = ?
-- name: pick_prices
SELECT line, unit_minor FROM cat.order_line WHERE order_id = ?
-- name: pick
SELECT started_ms, started_by, ready, ready_ms, place, bags FROM pick WHERE order_id = ?
-- name: pick_start
INSERT INTO pick (order_id, order_no, started_ms, started_by) VALUES (?, ?, ?, ?)
ON CONFLICT (order_id) DO NOTHING
-- name: pick_ready
UPDATE pick SET ready = 1, ready_ms = ?, ready_by = ?, place = ?, bags = ? WHERE order_id = ?
-- name: pick_lines
SELECT line, found FROM pick_line WHERE order_id = ?
-- name: pick_line_set
INSERT INTO pick_line (order_id, line, found) VALUES (?, ?, ?)
ON CONFLICT (order_id, line) DO UPDATE SET found = excluded.found
-- name: pick_shorts
SELECT s.line, s.unit, s.epoch, s.choice, s.sub_sku, s.sub_minor, p.name_zh, p.name_en
FROM pick_short s LEFT JOIN cat.product p ON p.sku = s.sub_sku
WHERE s.order_id = ? ORDER BY s.line, s.unit
-- name: pick_short_set
INSERT INTO pick_short (order_id, line, unit, epoch, choice, sub_sku, sub_minor, at_ms, operator)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id, line, unit) DO UPDATE SET
  epoch = excluded.epoch, choice = excluded.choice, sub_sku = excluded.sub_sku,
  sub_minor = excluded.sub_minor, at_ms = excluded.at_ms, operator = excluded.operator
-- name: pick_short_end
DELETE FROM pick_short WHERE order_id = ? AND line = ? AND choice = 'wait'
-- name: pick_forget
DELETE FROM pick WHERE order_id = ?
-- name: pick_lines_forget
DELETE FROM pick_line WHERE order_id = ?
-- name: pick_shorts_forget
DELETE FROM pick_short WHERE order_id = ?
-- name: documents
SELECT document, kind, from_store, to_store, supplier, order_no, state, created_ms, lines
FROM cat.document WHERE (from_store = ?1 OR to_store = ?1)
ORDER BY state NOT IN ('draft', 'dispatched'), created_ms DESC LIMIT ?2
-- name: document
SELECT document, kind, from_store, to_store, supplier, order_no, state, created_ms, lines
FROM cat.document WHERE document = ?
-- name: document_acts
SELECT act, at_ms, operator, counts FROM document_act WHERE document = ?
-- name: document_act_add
INSERT INTO document_act (document, act, at_ms, station, operator, counts)
VALUES (?, ?, ?, ?, ?, ?)
