"""Services in the documents of our organisations: where they can be reached, as vendors registered it (WIRE §3, vdr v2).

A service stands in every document of a subject that can have one (a did:key and a did:jwk can not), under the same fragment. As in
nuts-node, adding what is there already changes nothing, and replacing gives a new id.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, insert, select

from credentials.did.identifier import DID, did_method
from credentials.did.service import Service
from node.identity.errors import TooManyServicesError
from node.identity.subjects import Subjects
from node.ports import Clock
from node.storage.database import AsyncConnection, Database
from node.storage.schema import did_services

MAX_SERVICES = 64
"""Services of one subject."""

EndpointType = type[str] | type[dict[str, Any]] | type[list[Any]]


class Services:
    """Adds, finds, replaces and removes services."""

    def __init__(self, database: Database, subjects: Subjects, clock: Clock) -> None:
        self._database = database
        self._subjects = subjects
        self._clock = clock

    async def add(self, subject: str, service: Service) -> list[Mapping[str, Any]]:
        """Put ``service`` into every document and return it as it stands there.

        Raises:
            UnknownSubjectError: no such subject.
            TooManyServicesError: the documents have no room.
        """
        return await self._change(subject, service, instead_of=None)

    async def replace(self, subject: str, fragment: str, service: Service) -> list[Mapping[str, Any]]:
        """Put ``service`` in the place of the one called ``fragment``, which need not be there.

        Raises:
            UnknownSubjectError: no such subject.
            TooManyServicesError: the documents have no room.
        """
        return await self._change(subject, service, instead_of=fragment)

    async def remove(self, subject: str, fragment: str) -> None:
        """Take a service out of every document; does nothing when it is not there.

        Raises:
            UnknownSubjectError: no such subject.
        """
        mine = await self._documents(subject)
        async with self._database.transaction() as connection:
            for did in mine:
                await connection.execute(_delete(did, fragment))
        self._subjects.forget()

    async def find(
        self, subject: str, *, kind: str | None = None, endpoint_type: EndpointType | None = None
    ) -> list[Mapping[str, Any]]:
        """Return the services of a subject, one per document, of one type and with one type of endpoint where asked.

        Raises:
            UnknownSubjectError: no such subject.
        """
        return [
            service.to_json(did)
            for did in await self._documents(subject)
            for service in await self._subjects.services(did)
            if kind in (None, service.type)
            if endpoint_type is None or isinstance(service.endpoint, endpoint_type)
        ]

    async def _change(self, subject: str, service: Service, *, instead_of: str | None) -> list[Mapping[str, Any]]:
        mine = await self._documents(subject)
        async with self._database.transaction() as connection:
            for did in mine:
                if instead_of is not None:
                    await connection.execute(_delete(did, instead_of))
                await self._insert(connection, did, service)
        self._subjects.forget()
        return [service.to_json(did) for did in mine]

    async def _insert(self, connection: AsyncConnection, did: DID, service: Service) -> None:
        rows = await connection.execute(
            select(did_services.c.fragment, did_services.c.position).where(did_services.c.did == did)
        )
        there = {row.fragment: row.position for row in rows}
        if service.fragment in there:
            return
        if len(there) >= MAX_SERVICES:
            raise TooManyServicesError
        await connection.execute(
            insert(did_services).values(
                did=did,
                fragment=service.fragment,
                position=max(there.values(), default=-1) + 1,
                type=service.type,
                endpoint_json=service.endpoint_json,
                created_at=int(self._clock.now().timestamp() * 1000),
            )
        )

    async def _documents(self, subject: str) -> list[DID]:
        return [did for did in (await self._subjects.get(subject)).dids if did_method(did) == "web"]


def _delete(did: DID, fragment: str) -> Any:
    return delete(did_services).where(did_services.c.did == did, did_services.c.fragment == fragment)
