-- name: identity
SELECT private_key, incarnation, machine, fenced, certificate, k_store, hub_public,
  acknowledged_from_ms, catalog_number, next_catalog_number FROM identity WHERE id = 1
-- name: identity_create
INSERT INTO identity (id, private_key, incarnation, machine, fenced, catalog_number,
  next_catalog_number) VALUES (1, ?, ?, ?, 0, 0, 1)
-- name: identity_enrolled
UPDATE identity SET certificate = ?, k_store = ?, hub_public = ?, acknowledged_from_ms = ? WHERE id = 1
-- name: identity_fence
UPDATE identity SET fenced = 1 WHERE id = 1
-- name: catalog_number_take
UPDATE identity SET next_catalog_number = next_catalog_number + 1 WHERE id = 1
RETURNING next_catalog_number - 1
-- name: catalog_point
UPDATE identity SET catalog_number = ? WHERE id = 1
