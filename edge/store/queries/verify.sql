-- name: outbox_witnesses
SELECT DISTINCT audit_seq, audit_hash FROM outbox ORDER BY audit_seq
