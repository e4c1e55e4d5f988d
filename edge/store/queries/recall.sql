-- name: recalls_open
SELECT sku, order_id, until_ms FROM cat.recall WHERE ended = 0 AND kind <> 'code'
-- name: recalls_unanswered
SELECT recall_id, kind, sku, order_id, lookup, reason FROM cat.recall
WHERE ended = 0 AND NOT EXISTS (SELECT 1 FROM recall_answer a
    WHERE a.recall_id = cat.recall.recall_id
      AND a.incarnation = (SELECT incarnation FROM identity WHERE id = 1))
  AND NOT EXISTS (SELECT 1 FROM failure f
    WHERE f.key = 'recall:' || lower(hex(cat.recall.recall_id)) AND f.times >= 3)
-- name: recall_is_answered
SELECT 1 FROM recall_answer WHERE recall_id = ?
  AND incarnation = (SELECT incarnation FROM identity WHERE id = 1)
-- name: recall_answer_add
INSERT INTO recall_answer (recall_id, incarnation, at_ms, stopped_units, handed_units)
VALUES (?, (SELECT incarnation FROM identity WHERE id = 1), ?, ?, ?)
-- name: order_of_lookup
SELECT order_id FROM cat.code WHERE lookup = ? ORDER BY not_after_ms DESC LIMIT 1
-- name: recall_stops
SELECT coalesce(sum(n), 0), count(DISTINCT order_id) FROM (
  SELECT l.order_id, l.quantity
    - (SELECT count(*) FROM redemption r
      WHERE r.order_id = l.order_id AND r.line = l.line AND r.live = 1)
    - (SELECT count(*) FROM tombstone t
      WHERE t.order_id = l.order_id AND t.line = l.line AND t.epoch >= o.epoch) AS n
  FROM cat.order_line l JOIN cat.pickup_order o ON o.order_id = l.order_id
  WHERE (l.sku = ?1 OR l.order_id = ?2) AND o.home_store = ?3 AND o.state = 'open'
) WHERE n > 0
-- name: recall_handed
SELECT h.handover, h.at_ms, count(*) FROM (
  SELECT order_id, line FROM cat.order_line WHERE sku = ?1 OR order_id = ?2
  UNION SELECT order_id, line FROM token_line WHERE sku = ?1 OR order_id = ?2
) l JOIN redemption r ON r.order_id = l.order_id AND r.line = l.line AND r.live = 1
JOIN handover h ON h.handover = r.handover
GROUP BY h.handover, h.at_ms ORDER BY h.handover DESC
