"""Issuers that a vendor marked as trusted for a type (WIRE §2.11.5), kept because vendors' programs ask for the lists.

It decides nothing: whom we believe, a presentation definition says. nuts-node's own list has no effect on did:web issuers either.
"""

import json
from datetime import datetime

from sqlalchemy import delete, select

from node.audit.record import milliseconds
from node.storage.database import Database, insert_or
from node.storage.schema import issued_credentials, trusted_issuers, wallet


class TrustList:
    """Trusted issuers by type.

    Args:
        database: with the tables ``trusted_issuers``, ``wallet`` and ``issued_credentials``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def trust(self, issuer: str, credential_type: str, now: datetime) -> None:
        """Mark an issuer; again changes nothing."""
        async with self._database.transaction() as connection:
            await connection.execute(
                insert_or(trusted_issuers, self._database.dialect)
                .values(credential_type=credential_type, issuer=issuer, created_at=milliseconds(now))
                .on_conflict_do_nothing()
            )

    async def untrust(self, issuer: str, credential_type: str) -> None:
        """Take the mark away; again changes nothing."""
        async with self._database.transaction() as connection:
            await connection.execute(
                delete(trusted_issuers).where(
                    trusted_issuers.c.credential_type == credential_type, trusted_issuers.c.issuer == issuer
                )
            )

    async def trusted(self, credential_type: str) -> tuple[str, ...]:
        """Return the marked issuers of a type, in order."""
        async with self._database.reading() as connection:
            found = await connection.scalars(
                select(trusted_issuers.c.issuer)
                .where(trusted_issuers.c.credential_type == credential_type)
                .order_by(trusted_issuers.c.issuer)
            )
            return tuple(found)

    async def untrusted(self, credential_type: str) -> tuple[str, ...]:
        """Return the issuers of credentials of a type that this node issued or holds, but for the marked ones."""
        async with self._database.reading() as connection:
            held = await connection.execute(select(wallet.c.issuer, wallet.c.types_json).distinct())
            known = {issuer for issuer, types in held if credential_type in json.loads(types)}
            issuing = await connection.scalars(
                select(issued_credentials.c.issuer).where(issued_credentials.c.type == credential_type).distinct()
            )
            known.update(issuing)
        return tuple(sorted(known - set(await self.trusted(credential_type))))
