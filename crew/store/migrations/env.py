"""Alembic's entry: runs the migrations on the connection that `crew.store.migrate` hands over."""

from alembic import context

from crew.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, version_table="stockcrew_version")
with context.begin_transaction():
    context.run_migrations()
