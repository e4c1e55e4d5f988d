-- name: reconcile_last_day
SELECT day FROM reconcile_report ORDER BY answered_ms DESC, day DESC LIMIT 1
-- name: reconcile_reports
SELECT day, at_ms, report, signature, result, result_signature, answered_ms FROM reconcile_report
ORDER BY answered_ms DESC, day DESC LIMIT ?
-- name: reconcile_add
INSERT OR REPLACE INTO reconcile_report
  (day, incarnation, at_ms, report, signature, result, result_signature, differences, answered_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: reconcile_case_known
SELECT 1 FROM review WHERE reason = 'reconcile_differs' AND order_id IS ?
-- name: reconcile_began
SELECT max(ended_audit_seq) FROM incarnation_before
-- name: reconcile_first_after
SELECT min(json_extract(CAST(body AS TEXT), '$.handover')) FROM audit
WHERE seq > ? AND json_extract(CAST(body AS TEXT), '$.act') = 'handed'
-- name: reconcile_last_handover
SELECT coalesce(max(handover), 0) FROM handover
-- name: reconcile_handovers
SELECT handover, order_id, undone_ms IS NOT NULL FROM handover WHERE handover BETWEEN ? AND ?
-- name: reconcile_units
SELECT r.handover, r.line, r.unit, coalesce(l.sku, t.sku) FROM redemption r
LEFT JOIN cat.order_line l ON l.order_id = r.order_id AND l.line = r.line
LEFT JOIN token_line t ON t.order_id = r.order_id AND t.line = r.line
WHERE r.handover BETWEEN ? AND ?
-- name: reconcile_levels
SELECT sku, state, on_hand, quarantine, counter, kiosk, safety, online, in_transit, locked, shortage
FROM stock_level WHERE incarnation = (SELECT incarnation FROM identity WHERE id = 1)
ORDER BY sku LIMIT ?
-- name: reconcile_events
SELECT seq, hlc, trusted_ms, kind, schema, units, body, audit_seq, audit_hash FROM outbox
WHERE kind IN ('handed', 'provisional', 'undone') AND seq <= ?
  AND json_extract(CAST(body AS TEXT), '$.handover') BETWEEN ? AND ?
ORDER BY seq LIMIT ?
-- name: reconcile_acked
SELECT outbox_acked FROM counters WHERE id = 1
-- name: reconcile_catalog
SELECT catalog_number FROM identity WHERE id = 1
