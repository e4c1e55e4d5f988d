-- name: training_stations
SELECT station FROM station_training ORDER BY station
-- name: training_begin
INSERT INTO station_training (station, since_ms) VALUES (?, ?) ON CONFLICT (station) DO NOTHING
-- name: training_end
DELETE FROM station_training WHERE station = ?
-- name: claims_live_of_station
SELECT count(*) FROM claim WHERE station = ? AND until_ms >= ?
-- name: operators
SELECT station, staff_id FROM operator ORDER BY station
-- name: shift_pin
SELECT at_ms FROM shift_pin WHERE staff_id = ?
-- name: shift_pin_set
INSERT INTO shift_pin (staff_id, at_ms) VALUES (?, ?)
ON CONFLICT (staff_id) DO UPDATE SET at_ms = excluded.at_ms
-- name: undo_add
INSERT INTO undo_act (handover, station, operator, at_ms) VALUES (?, ?, ?, ?)
-- name: undos_at_station
SELECT count(*) FROM undo_act WHERE at_ms > ? AND station = ?
-- name: undos_by_operator
SELECT count(*) FROM undo_act WHERE at_ms > ? AND operator = ?
-- name: undos_prune
DELETE FROM undo_act WHERE at_ms < ?
-- name: undo_alarm_since
SELECT review FROM review WHERE reason = 'undo_rate' AND opened_ms > ?
  AND (station = ? OR opened_by = ?) LIMIT 1
-- name: challenge_put
INSERT INTO challenge (review, digits, at_ms, until_ms) VALUES (?, ?, ?, ?)
ON CONFLICT (review) DO UPDATE SET digits = excluded.digits, at_ms = excluded.at_ms,
  until_ms = excluded.until_ms, tries = 0, used_ms = NULL
-- name: challenge
SELECT digits, until_ms, tries, used_ms FROM challenge WHERE review = ?
-- name: challenge_wrong
UPDATE challenge SET tries = tries + 1 WHERE review = ?
-- name: challenge_used
UPDATE challenge SET used_ms = ? WHERE review = ? AND used_ms IS NULL
-- name: lone_add
INSERT INTO lone_act (review, staff_id, amount_minor, at_ms) VALUES (?, ?, ?, ?)
-- name: lone_sum
SELECT coalesce(sum(amount_minor), 0) FROM lone_act WHERE staff_id = ? AND at_ms > ?
-- name: review_order
SELECT order_id, reason FROM review WHERE review = ?
-- name: numbers_from_effect
INSERT INTO effect (effect, kind, station, body, state, created_ms, changed_ms)
VALUES (?, 'buzzer', '', x'7b7d', 'failed', 0, 0)
-- name: numbers_from_answer
INSERT INTO answer (answer, station, kind, body, at_ms) VALUES (?, '', 'none', x'7b7d', 0)
-- name: numbers_from_handover
INSERT INTO handover (handover, order_id, order_no, epoch, station, at_ms, credential, basis, run,
  boot_ms, undone_ms) VALUES (?, x'00', '', 0, '', 0, 'list', 'replica', '', 0, 0)
-- name: numbers_from_review
INSERT INTO review (review, reason, opened_ms, closed_ms, outcome)
VALUES (?, 'training_began', 0, 0, 'closed')
