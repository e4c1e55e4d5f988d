-- name: handover_add
INSERT INTO handover (order_id, order_no, epoch, station, operator, at_ms, credential, basis, run,
  boot_ms, recorded_later) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: handover
SELECT handover, order_id, order_no, epoch, station, operator, at_ms, run, boot_ms, undone_ms,
  credential, basis FROM handover WHERE handover = ?
-- name: handover_undo
UPDATE handover SET undone_ms = ? WHERE handover = ? AND undone_ms IS NULL
-- name: redemption_add
INSERT INTO redemption (order_id, line, unit, handover, live) VALUES (?, ?, ?, ?, 1)
-- name: redemptions_of
SELECT line, unit FROM redemption WHERE handover = ?1 AND live = 1
  AND order_id = (SELECT order_id FROM handover WHERE handover = ?1) ORDER BY line, unit
-- name: redemptions_end
UPDATE redemption SET live = 0 WHERE handover = ?1 AND live = 1
  AND order_id = (SELECT order_id FROM handover WHERE handover = ?1)
-- name: redemptions_live
SELECT count(*) FROM redemption WHERE live = 1
-- name: tombstone_add
INSERT INTO tombstone (order_id, line, unit, epoch, reason, destination, at_ms)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (order_id, line, unit) DO UPDATE SET
  epoch = excluded.epoch, reason = excluded.reason, destination = excluded.destination,
  at_ms = excluded.at_ms WHERE excluded.epoch > tombstone.epoch
-- name: ask_answered
INSERT INTO ask_answer (ask_id, at_ms, released, kept) VALUES (?, ?, ?, ?)
-- name: ask_is_answered
SELECT 1 FROM ask_answer WHERE ask_id = ?
-- name: lockout
SELECT tries, locked, review FROM lockout WHERE lookup = ? AND credential = ?
-- name: lockout_count
INSERT INTO lockout (lookup, credential, tries, locked) VALUES (?, ?, 1, 0)
ON CONFLICT (lookup, credential) DO UPDATE SET tries = tries + 1 RETURNING tries
-- name: lockout_lock
UPDATE lockout SET locked = 1, review = ? WHERE lookup = ? AND credential = ?
-- name: lockout_release
UPDATE lockout SET locked = 0, tries = 0, review = NULL WHERE review = ?
-- name: lockout_of_review
SELECT lookup, credential, tries FROM lockout WHERE review = ?
-- name: review_open
INSERT INTO review (reason, order_id, order_no, lookup, credential, tries, station, opened_ms,
  opened_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: reviews
SELECT review, reason, order_no, station, opened_ms, opened_by, tries, closed_ms, outcome FROM review
ORDER BY closed_ms IS NOT NULL, review DESC LIMIT 100
-- name: review
SELECT review, reason, order_no, station, opened_ms, opened_by, tries, closed_ms, outcome FROM review
WHERE review = ?
-- name: review_close
UPDATE review SET closed_ms = ?, closed_by = ?, outcome = ?, note = ?
WHERE review = ? AND closed_ms IS NULL
-- name: reviews_open_count
SELECT count(*) FROM review WHERE closed_ms IS NULL
-- name: answer_by_request
SELECT answer, body_mac, kind, body, at_ms, shown_ms FROM answer WHERE request = ?
-- name: answer_keep
INSERT INTO answer (station, request, body_mac, kind, body, at_ms) VALUES (?, ?, ?, ?, ?, ?)
-- name: answer_shown
UPDATE answer SET shown_ms = ? WHERE answer = ? AND station = ? AND shown_ms IS NULL
-- name: answers_last
SELECT answer, kind, body, at_ms, shown_ms FROM answer WHERE station = ? AND answer >
  (SELECT coalesce(max(answer), 0) - 500 FROM answer) ORDER BY answer DESC LIMIT ?
-- name: answers_prune
DELETE FROM answer WHERE answer IN (SELECT answer FROM answer WHERE at_ms < ? LIMIT 500)
-- name: operator
SELECT staff_id, since_ms, pin_ms FROM operator WHERE station = ?
-- name: operator_set
INSERT INTO operator (station, staff_id, since_ms, pin_ms) VALUES (?, ?, ?, ?)
ON CONFLICT (station) DO UPDATE SET staff_id = excluded.staff_id, since_ms = excluded.since_ms,
  pin_ms = excluded.pin_ms
-- name: operator_end
DELETE FROM operator WHERE station = ?
-- name: pin_try
SELECT failures, not_before_ms FROM pin_try WHERE staff_id = ?
-- name: pin_failed
INSERT INTO pin_try (staff_id, failures, not_before_ms) VALUES (?, 1, 0)
ON CONFLICT (staff_id) DO UPDATE SET failures = failures + 1 RETURNING failures
-- name: pin_wait
UPDATE pin_try SET not_before_ms = ? WHERE staff_id = ?
-- name: pin_good
DELETE FROM pin_try WHERE staff_id = ?
-- name: find_count
SELECT count(*) FROM find_try WHERE station = ? AND at_ms > ?
-- name: find_add
INSERT INTO find_try (station, at_ms) VALUES (?, ?)
-- name: find_prune
DELETE FROM find_try WHERE at_ms < ?
-- name: review_of_order
SELECT review FROM review WHERE order_id = ? AND reason = ? AND closed_ms IS NULL LIMIT 1
