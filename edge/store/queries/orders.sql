-- name: code_by_lookup
SELECT c.order_id, c.kind, c.grade, c.epoch, c.not_after_ms, c.state, c.pin,
  o.order_no, o.home_store,
  coalesce((SELECT a.incarnation FROM attested a WHERE a.order_id = o.order_id
    AND a.holder = o.holder AND a.epoch = o.epoch), o.holder), o.epoch, o.state, o.not_after_ms,
  coalesce(k.ready, o.ready), coalesce(k.place, o.place), coalesce(k.bags, o.bags),
  o.lane, o.value_minor, o.min_grade, o.sealed, o.away_units
FROM cat.code c LEFT JOIN cat.pickup_order o ON o.order_id = c.order_id
LEFT JOIN pick k ON k.order_id = o.order_id
WHERE c.lookup = ? ORDER BY c.not_after_ms DESC LIMIT 8
-- name: code_of_order
SELECT lookup, kind, grade, epoch, not_after_ms, state FROM cat.code WHERE order_id = ?
-- name: order_by_id
SELECT o.order_id, o.order_no, o.home_store,
  coalesce((SELECT a.incarnation FROM attested a WHERE a.order_id = o.order_id
    AND a.holder = o.holder AND a.epoch = o.epoch), o.holder), o.epoch, o.state, o.not_after_ms,
  coalesce(k.ready, o.ready), coalesce(k.place, o.place), coalesce(k.bags, o.bags), o.lane,
  o.value_minor, o.min_grade, o.sealed, o.away_units
FROM cat.pickup_order o LEFT JOIN pick k ON k.order_id = o.order_id WHERE o.order_id = ?
-- name: phone_tail_of_order
SELECT phone_tail FROM cat.pickup_order WHERE order_id = ?
-- name: order_ids_by_no
SELECT order_id FROM cat.pickup_order WHERE order_no = ? LIMIT 2
-- name: order_ids_by_tail
SELECT order_id FROM cat.pickup_order
WHERE replace(replace(order_no, '-', ''), ' ', '') LIKE '%' || replace(?, '-', '')
ORDER BY not_after_ms DESC LIMIT 20
-- name: order_ids_by_phone
SELECT order_id FROM cat.pickup_order WHERE phone_tail = ? ORDER BY not_after_ms DESC LIMIT 20
-- name: away_of_order
SELECT line, unit FROM cat.order_away WHERE order_id = ?
-- name: lines_of_order
SELECT l.line, l.sku, l.quantity, l.bundle_of, p.name_zh, p.name_en, p.storage, p.min_grade
FROM cat.order_line l LEFT JOIN cat.product p ON p.sku = l.sku WHERE l.order_id = ? ORDER BY l.line
-- name: token_order_by_lookup
SELECT order_id, epoch, not_after_ms, grade FROM token_order WHERE lookup = ?
-- name: token_order_by_id
SELECT lookup, epoch, not_after_ms, grade FROM token_order WHERE order_id = ?
-- name: token_order_keep
INSERT INTO token_order (order_id, lookup, epoch, not_after_ms, grade) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (order_id) DO NOTHING
-- name: token_line_keep
INSERT INTO token_line (order_id, line, sku, quantity) VALUES (?, ?, ?, ?)
ON CONFLICT (order_id, line) DO NOTHING
-- name: lines_of_token
SELECT t.line, t.sku, t.quantity, NULL, p.name_zh, p.name_en, p.storage, p.min_grade
FROM token_line t LEFT JOIN cat.product p ON p.sku = t.sku WHERE t.order_id = ? ORDER BY t.line
-- name: standing
SELECT 'handed', r.line, r.unit, h.handover, h.station, h.at_ms FROM redemption r
JOIN handover h ON h.handover = r.handover WHERE r.order_id = ?1 AND r.live = 1
UNION ALL SELECT 'gone', line, unit, epoch, reason, destination FROM tombstone WHERE order_id = ?1
UNION ALL SELECT 'claim', 0, 0, until_ms, station, NULL FROM claim WHERE order_id = ?1
-- name: claim_full
SELECT station, operator, credential, basis, until_ms FROM claim WHERE order_id = ?
-- name: claim_take
INSERT INTO claim (order_id, station, operator, credential, basis, since_ms, until_ms)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id) DO UPDATE SET station = excluded.station,
  operator = excluded.operator, credential = excluded.credential, basis = excluded.basis,
  since_ms = excluded.since_ms, until_ms = excluded.until_ms
-- name: claim_end
DELETE FROM claim WHERE order_id = ?
-- name: claims_over
DELETE FROM claim WHERE until_ms < ?
-- name: claims_live
SELECT count(*) FROM claim WHERE until_ms >= ?
-- name: open_orders
SELECT o.order_id FROM cat.pickup_order o
WHERE o.state = 'open' AND o.home_store = ? AND o.not_after_ms >= ?
  AND (SELECT sum(l.quantity) FROM cat.order_line l WHERE l.order_id = o.order_id) >
    (SELECT count(*) FROM redemption r WHERE r.order_id = o.order_id AND r.live = 1)
    + (SELECT count(*) FROM cat.order_away a WHERE a.order_id = o.order_id AND NOT EXISTS
      (SELECT 1 FROM redemption r WHERE r.order_id = a.order_id AND r.line = a.line
        AND r.unit = a.unit AND r.live = 1))
ORDER BY o.lane <> 'priority', o.order_no LIMIT ?
-- name: orders_past
SELECT o.order_id, o.epoch, o.last_not_after_ms FROM cat.pickup_order o
WHERE o.home_store = ? AND o.holder = ? AND o.last_not_after_ms < ?
  AND (SELECT sum(l.quantity) FROM cat.order_line l WHERE l.order_id = o.order_id) >
    (SELECT count(*) FROM redemption r WHERE r.order_id = o.order_id AND r.live = 1)
    + (SELECT count(*) FROM tombstone t WHERE t.order_id = o.order_id AND t.epoch >= o.epoch)
    + (SELECT count(*) FROM cat.order_away a WHERE a.order_id = o.order_id
      AND NOT EXISTS (SELECT 1 FROM redemption r WHERE r.order_id = a.order_id
        AND r.line = a.line AND r.unit = a.unit AND r.live = 1)
      AND NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.order_id = a.order_id
        AND t.line = a.line AND t.unit = a.unit AND t.epoch >= o.epoch))
  AND NOT EXISTS (SELECT 1 FROM failure f
    WHERE f.key = 'lapse:' || lower(hex(o.order_id)) AND f.times >= 3)
LIMIT ?
-- name: not_understood
SELECT count(*) FROM cat.setting WHERE key LIKE 'not_understood:%'
-- name: store_name
SELECT code, name_zh, name_en FROM cat.store WHERE number = ?
-- name: product
SELECT sku, gtin, name_zh, name_en, storage FROM cat.product WHERE sku = ?
-- name: product_by_gtin
SELECT sku, gtin, name_zh, name_en, storage FROM cat.product WHERE gtin = ?
-- name: open_units_of_sku
SELECT coalesce(sum(l.quantity), 0), count(DISTINCT o.order_id) FROM cat.order_line l
JOIN cat.pickup_order o ON o.order_id = l.order_id
WHERE l.sku = ? AND o.state = 'open' AND o.home_store = ?
-- name: issuer_keys
SELECT key_id, public, revoked FROM cat.issuer_key
-- name: settings
SELECT key, value FROM cat.setting
-- name: staff_by_id
SELECT staff_id, name, role, pin_hash FROM cat.staff WHERE staff_id = ? AND active = 1
-- name: staff_by_badge
SELECT staff_id, name, role, pin_hash FROM cat.staff WHERE badge = ? AND active = 1
-- name: staff_all
SELECT staff_id, name, role FROM cat.staff WHERE active = 1 ORDER BY name
-- name: asks_open
SELECT ask_id, kind, order_id, epoch, holder, destination, units FROM cat.ask
WHERE settled = 0 AND ask_id NOT IN (SELECT ask_id FROM ask_answer)
  AND NOT EXISTS (SELECT 1 FROM failure f WHERE f.key = 'ask:' || lower(hex(ask_id)) AND f.times >= 3)
-- name: sealed_of_order
SELECT sealed FROM cat.pickup_order WHERE order_id = ?
-- name: cursor_count
SELECT count(*) FROM cat.cursor WHERE seq > 0
