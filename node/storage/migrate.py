"""Bringing the schema up to date.

The newest revision is a constant here, so that a start with an up-to-date schema asks one row and never loads Alembic (a
quarter of a second). Behind: Alembic runs, inside one transaction where the database can. Ahead: a newer node wrote it, and we
refuse rather than guess.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from node.storage.database import Database

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

NEWEST_REVISION = "0003"
MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaError(Exception):
    """The database has a schema that this version does not know."""


async def bring_up_to_date(database: Database) -> bool:
    """Migrate ``database`` when it is behind; returns whether anything was done.

    Raises:
        SchemaError: it is ahead of this version.
    """
    async with database.engine.connect() as connection:
        current = await connection.run_sync(_current_revision)
    if current == NEWEST_REVISION:
        return False
    if current is not None and current > NEWEST_REVISION:
        raise SchemaError(
            f"the database is of a newer version (schema {current}, this version knows {NEWEST_REVISION})"
        )
    async with database.transaction() as connection:
        await connection.run_sync(_upgrade)
    return True


def alembic_config(connection: Connection) -> "AlembicConfig":
    """Return Alembic's configuration for ``connection``."""
    from alembic.config import Config as AlembicConfig  # slow to load, and needed only here

    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _current_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return None if row is None else str(row[0])


def _upgrade(connection: Connection) -> None:
    from alembic import command  # slow to load, and needed only here

    command.upgrade(alembic_config(connection), "head")
