"""What Alembic runs: the connection comes from :func:`node.storage.migrate.alembic_config`."""

from alembic import context

from node.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
