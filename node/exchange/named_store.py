"""Digests of what checked pages named, in the node's database (:class:`node.exchange.named.NamedStore`)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from node.audit.record import from_milliseconds, milliseconds
from node.audit.seal import Sealer
from node.exchange.refusal import later
from node.storage.database import Database, insert_or
from node.storage.schema import named_resources

_KEPT_LONGER = timedelta(minutes=2)
"""Replicas' clocks may differ; what has ended is not used, whether its row is there or not."""


class SqlNamedStore:
    """Keeps them sealed, each bound to its digest.

    Args:
        sealer: for the purpose "named".
    """

    def __init__(self, database: Database, *, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def keep(self, digests: Iterable[bytes], about: bytes, expires_at: datetime) -> None:
        """See :class:`node.exchange.named.NamedStore`."""
        rows = [
            {
                "expires_at": milliseconds(expires_at),
                "digest": digest,
                "patients_sealed": self._sealer.seal(about, digest),
            }
            for digest in sorted(set(digests))  # in one order: two replicas can't wait for each other
        ]
        insert = insert_or(named_resources, self._database.dialect).on_conflict_do_nothing()
        try:
            async with self._database.transaction() as connection:
                await connection.execute(insert, rows)
        except SQLAlchemyError as error:
            raise later("named_unavailable") from error

    async def find(self, digest: bytes) -> tuple[bytes, datetime] | None:
        """See :class:`node.exchange.named.NamedStore`."""
        asked = (
            select(named_resources.c.expires_at, named_resources.c.patients_sealed)
            .where(named_resources.c.digest == digest)
            .order_by(named_resources.c.expires_at.desc())
            .limit(1)
        )
        try:
            async with self._database.reading() as connection:
                row = (await connection.execute(asked)).first()
        except SQLAlchemyError as error:
            raise later("named_unavailable") from error
        if row is None:
            return None
        return self._sealer.unseal(row.patients_sealed, digest), from_milliseconds(row.expires_at)

    async def prune(self, now: datetime) -> None:
        """Drop what ended a while ago."""
        ended = named_resources.c.expires_at < milliseconds(now - _KEPT_LONGER)
        async with self._database.transaction() as connection:
            await connection.execute(delete(named_resources).where(ended))
