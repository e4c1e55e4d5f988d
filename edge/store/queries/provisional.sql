-- name: budgets_granted
SELECT budget_id, granted, signature FROM cat.budget WHERE ended = 0
-- name: budget_is_open
SELECT 1 FROM cat.budget WHERE budget_id = ? AND ended = 0
  AND holder = (SELECT incarnation FROM identity WHERE id = 1) AND not_after_ms >= ?
-- name: budget_spent
SELECT pieces, amount_minor FROM budget_spent WHERE budget_id = ?
-- name: budget_spend
INSERT INTO budget_spent (budget_id, incarnation, pieces, amount_minor, most_pieces, most_minor)
VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (budget_id) DO UPDATE SET
  pieces = pieces + excluded.pieces, amount_minor = amount_minor + excluded.amount_minor
-- name: provisional_add
INSERT INTO provisional
  (handover, budget_id, order_id, lookup, home_store, pieces, amount_minor)
VALUES (?, ?, ?, ?, ?, ?, ?)
-- name: provisional_on_order
SELECT coalesce(sum(pieces), 0), coalesce(sum(amount_minor), 0) FROM provisional WHERE order_id = ?
-- name: provisional_given
SELECT h.handover, h.station, h.at_ms FROM provisional p
JOIN handover h ON h.handover = p.handover
WHERE p.lookup = ? AND h.undone_ms IS NULL ORDER BY h.handover DESC LIMIT 1
-- name: provisional_total
SELECT count(*), coalesce(sum(pieces), 0), coalesce(sum(amount_minor), 0) FROM provisional
-- name: article
SELECT name_zh, name_en, storage, min_grade FROM cat.product WHERE sku = ?
-- name: provisional_home
SELECT home_store FROM provisional WHERE order_id = ? LIMIT 1
