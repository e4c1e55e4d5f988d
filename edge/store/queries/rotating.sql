-- name: rotating_key
SELECT sealed, from_ms, until_ms FROM cat.rotating_key WHERE lookup = ?
-- name: rotating_step
SELECT accepted, skew, refused, refused_skew FROM rotating_step WHERE lookup = ?
-- name: rotating_step_accept
INSERT INTO rotating_step (lookup, accepted, skew, refused, refused_skew, at_ms)
VALUES (?, ?, ?, NULL, 0, ?) ON CONFLICT (lookup) DO UPDATE SET accepted = excluded.accepted,
  skew = excluded.skew, refused = NULL, refused_skew = 0, at_ms = excluded.at_ms
WHERE rotating_step.accepted IS NULL OR rotating_step.accepted < excluded.accepted
-- name: rotating_step_refuse
INSERT INTO rotating_step (lookup, accepted, skew, refused, refused_skew, at_ms)
VALUES (?, NULL, 0, ?, ?, ?) ON CONFLICT (lookup) DO UPDATE SET refused = excluded.refused,
  refused_skew = excluded.refused_skew, at_ms = excluded.at_ms
WHERE rotating_step.refused IS NULL OR rotating_step.refused < excluded.refused
-- name: rotating_steps_prune
DELETE FROM rotating_step WHERE at_ms < ?
