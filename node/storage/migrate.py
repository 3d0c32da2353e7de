"""Bringing the schema up to date.

The newest revision is a constant here, so that a start with an up-to-date schema asks one row and never loads Alembic (a
quarter of a second). Behind: Alembic runs, inside one transaction where the database can. Ahead: a newer node wrote it, and we
refuse rather than guess.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection, inspect, text

from node.storage.database import Database

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

NEWEST_REVISION = "0007"
MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaError(Exception):
    """The database has a schema that this version does not know, or can not bring up to date."""


class Seal(Protocol):
    """What steps seal with; ``node/identity/credential_seal.py`` is one."""

    def seal(self, text: str, *place: str) -> bytes:
        """Seal ``text`` for one place."""
        ...

    def digest(self, text: str) -> str:
        """Return a keyed digest."""
        ...

    def name_of(self, credential_id: str) -> str:
        """Return what the row of a credential is called."""
        ...


async def bring_up_to_date(database: Database, seals: Mapping[str, Seal] | None = None) -> bool:
    """Migrate ``database`` when it is behind; returns whether anything was done.

    Args:
        database: of the node.
        seals: of the wallet ("wallet") and of what was issued ("issued"); a database without credentials needs none.

    Raises:
        SchemaError: it is ahead of this version, or holds credentials to be sealed and there are no seals.
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
        await connection.run_sync(_upgrade, seals)
    return True


def alembic_config(connection: Connection, seals: Mapping[str, Seal] | None = None) -> "AlembicConfig":
    """Return Alembic's configuration for ``connection``, with what steps seal with."""
    from alembic.config import Config as AlembicConfig  # slow to load, and needed only here

    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["seals"] = seals
    return config


def _current_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(text("SELECT version_num FROM alembic_version")).first()
    return None if row is None else str(row[0])


def _upgrade(connection: Connection, seals: Mapping[str, Seal] | None) -> None:
    from alembic import command  # slow to load, and needed only here

    command.upgrade(alembic_config(connection, seals), "head")
