"""Consents in the node's database: every version sealed, found by pseudonym, changed optimistically.

A change is one transaction. When it takes something away the audit log's epoch is raised in that transaction (PostgreSQL) or
right after its commit (SQLite, one process), in both cases before the change is acknowledged.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from node.audit.log import AuditLog
from node.audit.record import from_milliseconds, milliseconds
from node.audit.seal import Sealer
from node.consent.consent import Consent, with_meta
from node.consent.decide import takes_away
from node.storage.database import AsyncConnection, Database
from node.storage.schema import consents

_Found = Row[str, int, str, int, bytes]

MAX_PER_CITIZEN = 500
"""Consents of one citizen at one organisation; more can't be decided on in the time of a request."""


class ConsentStoreError(Exception):
    """The store refuses."""


class UnknownConsentError(ConsentStoreError):
    """This organisation has no such consent."""


class ConflictError(ConsentStoreError):
    """Somebody else changed it first."""


class TooManyConsentsError(ConsentStoreError):
    """One citizen may not have more than :data:`MAX_PER_CITIZEN`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConsent:
    """One version of one consent, opened.

    Attributes:
        patient: pseudonym.
        resource: the FHIR resource with id and meta.
    """

    subject: str
    id: str
    version: int
    patient: str
    updated_at: datetime
    resource: Mapping[str, Any]

    @property
    def consent(self) -> Consent:
        """The consent as we understand it."""
        return Consent.parse(self.resource)


class ConsentStore:
    """The consents of every organisation hosted here.

    Args:
        database: the node's own.
        sealer: for the purpose "consent".
        log: whose epoch a withdrawal raises.
    """

    def __init__(self, database: Database, *, sealer: Sealer, log: AuditLog) -> None:
        self._database = database
        self._sealer = sealer
        self._log = log

    async def create(
        self, subject: str, identifier: str, patient: str, resource: Mapping[str, Any], now: datetime
    ) -> StoredConsent:
        """Store a new consent as version 1.

        Raises:
            TooManyConsentsError: the citizen has the most there may be.
        """
        stored = _version(subject, identifier, 1, patient, resource, now)
        raises = takes_away(None, stored.consent)
        async with self._database.transaction() as connection:
            held = await connection.execute(
                select(consents.c.id).where(
                    consents.c.subject == subject, consents.c.patient == patient, consents.c.is_current == 1
                )
            )
            if len(held.fetchall()) >= MAX_PER_CITIZEN:
                raise TooManyConsentsError("too many consents")
            await self._insert(connection, stored)
            staged = await self._log.stage_epoch(connection) if raises else None
        if raises:
            await self._log.settle_epoch(staged)
        return stored

    async def update(
        self, subject: str, identifier: str, resource: Mapping[str, Any], now: datetime, *, expected: int | None
    ) -> StoredConsent:
        """Store the next version.

        Args:
            subject: whose consent.
            identifier: of the consent.
            resource: a Consent that parses, about the same citizen.
            now: becomes ``meta.lastUpdated``.
            expected: the version that the caller changed; ``None`` for whatever is newest.

        Raises:
            UnknownConsentError: there is no such consent, or it is about another citizen.
            ConflictError: ``expected`` is not the newest version.
        """
        try:
            async with self._database.transaction() as connection:
                row = await _newest(connection, subject, identifier)
                if row is None:
                    raise UnknownConsentError("no such consent")
                if expected is not None and row.version != expected:
                    raise ConflictError("changed by somebody else")
                before = self._open(subject, row)
                stored = _version(subject, identifier, row.version + 1, row.patient, resource, now)
                raises = takes_away(before.consent, stored.consent)
                await connection.execute(
                    update(consents)
                    .where(
                        consents.c.subject == subject, consents.c.id == identifier, consents.c.version == row.version
                    )
                    .values(is_current=0)
                )
                await self._insert(connection, stored)
                staged = await self._log.stage_epoch(connection) if raises else None
        except IntegrityError as error:  # two writers of the same version
            raise ConflictError("changed by somebody else") from error
        if raises:
            await self._log.settle_epoch(staged)
        return stored

    async def read(self, subject: str, identifier: str, version: int | None = None) -> StoredConsent:
        """Return one consent, the newest version unless said otherwise.

        Raises:
            UnknownConsentError: there is none.
        """
        async with self._database.reading() as connection:
            row = await _newest(connection, subject, identifier, version)
        if row is None:
            raise UnknownConsentError("no such consent")
        return self._open(subject, row)

    async def of_patient(self, subject: str, patient: str) -> Sequence[StoredConsent]:
        """Return the newest version of every consent of one citizen, by id."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(consents.c.id, consents.c.version, consents.c.patient, consents.c.updated_at, consents.c.sealed)
                .where(consents.c.subject == subject, consents.c.patient == patient, consents.c.is_current == 1)
                .order_by(consents.c.id)
            )
            found = rows.fetchall()
        return [self._open(subject, row) for row in found]

    async def _insert(self, connection: AsyncConnection, stored: StoredConsent) -> None:
        plain = json.dumps(stored.resource, separators=(",", ":"), ensure_ascii=False).encode()
        await connection.execute(
            insert(consents).values(
                subject=stored.subject,
                id=stored.id,
                version=stored.version,
                patient=stored.patient,
                status=str(stored.resource["status"]),
                is_current=1,
                updated_at=milliseconds(stored.updated_at),
                sealed=self._sealer.seal(plain, _place(stored.subject, stored.id, stored.version, stored.patient)),
            )
        )

    def _open(self, subject: str, row: _Found) -> StoredConsent:
        plain = self._sealer.unseal(bytes(row.sealed), _place(subject, row.id, row.version, row.patient))
        return StoredConsent(
            subject=subject,
            id=row.id,
            version=row.version,
            patient=row.patient,
            updated_at=from_milliseconds(row.updated_at),
            resource=json.loads(plain),
        )


async def _newest(
    connection: AsyncConnection, subject: str, identifier: str, version: int | None = None
) -> _Found | None:
    statement = select(
        consents.c.id, consents.c.version, consents.c.patient, consents.c.updated_at, consents.c.sealed
    ).where(consents.c.subject == subject, consents.c.id == identifier)
    statement = statement.where(consents.c.is_current == 1 if version is None else consents.c.version == version)
    return (await connection.execute(statement)).first()


def _version(
    subject: str, identifier: str, version: int, patient: str, resource: Mapping[str, Any], now: datetime
) -> StoredConsent:
    return StoredConsent(
        subject=subject,
        id=identifier,
        version=version,
        patient=patient,
        updated_at=from_milliseconds(milliseconds(now)),
        resource=with_meta(resource, identifier=identifier, version=version, updated_at=now),
    )


def _place(subject: str, identifier: str, version: int, patient: str) -> bytes:
    """Return what a sealed resource is bound to: it does not open in another row."""
    return f"consent|{subject}|{identifier}|{version}|{patient}".encode()
