"""What alembic runs for a migration: our connection, in its transaction, and no ini file."""

from alembic import context
from sqlalchemy import Connection

from sync.hub.tables import metadata

connection = context.config.attributes["connection"]
assert isinstance(connection, Connection)
context.configure(connection=connection, target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
