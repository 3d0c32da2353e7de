"""Rows of what was issued. One transaction per decision; what can happen once is one statement that can succeed once.

The credential itself is sealed, and so is the digest of the request (``node/identity/credential_seal.py``).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from credentials.did.identifier import DID
from credentials.keys import KeyId
from credentials.vc.credential import SignedCredential
from node.audit.record import from_milliseconds, milliseconds
from node.identity.credential_seal import CredentialSeal
from node.storage.database import Database
from node.storage.schema import issued_credentials as issued
from node.storage.schema import status_lists, wallet

MAX_FOUND = 10_000
"""Credentials in one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A credential that an organisation hosted here issued.

    Attributes:
        credential_id: ``<issuer>#<uuid>``.
        subject: name of the organisation that issued it.
        issuer: its DID.
        holder: whom it is about.
        type: the one beside ``VerifiableCredential``.
        kid: the key that signed it.
        raw: exactly as given out: a compact JWT, or JSON.
        issued_at: aware UTC, as are the other times.
        status_list: address of the list with its bit; ``None``: it can not be revoked.
        revoked_at: ``None`` while it stands.
        renews: the credential that it replaces.
        request_key: the caller's idempotency key; ``None`` when read back, since only a digest of it is kept.
        request_sha256: digest of the request that had it.
    """

    credential_id: str
    subject: str
    issuer: DID
    holder: DID
    type: str
    kid: KeyId
    raw: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime | None
    status_list: str | None = None
    status_index: int | None = None
    revoked_at: datetime | None = None
    renews: str | None = None
    request_key: str | None = None
    request_sha256: bytes | None = None

    @property
    def wire(self) -> str | dict[str, Any]:
        """The credential as it goes over the wire."""
        return json.loads(self.raw) if self.raw.startswith("{") else self.raw

    @property
    def credential(self) -> SignedCredential:
        """The credential, parsed."""
        return SignedCredential.parse(self.wire)


class IssuedStore:
    """Keeps what was issued.

    Args:
        database: with the tables ``issued_credentials`` and ``status_lists``.
        seal: for the purpose "issued".
    """

    def __init__(self, database: Database, seal: CredentialSeal) -> None:
        self._database = database
        self._seal = seal

    async def add(self, one: Issued) -> bool:
        """Keep ``one``; ``False`` when its request key was used, or what it renews was renewed, in the meantime."""
        place = (one.subject, one.credential_id)
        digest = one.request_sha256
        try:
            async with self._database.transaction() as connection:
                await connection.execute(
                    insert(issued).values(
                        credential_id=one.credential_id,
                        subject=one.subject,
                        issuer=one.issuer,
                        holder=one.holder,
                        type=one.type,
                        kid=one.kid,
                        sealed=self._seal.seal(one.raw, *place),
                        issued_at=milliseconds(one.issued_at),
                        expires_at=None if one.expires_at is None else milliseconds(one.expires_at),
                        status_list=one.status_list,
                        status_index=one.status_index,
                        renews=one.renews,
                        request_key=None if one.request_key is None else self._seal.digest(one.request_key),
                        request_sealed=None if digest is None else self._seal.seal(digest.hex(), *place, "request"),
                    )
                )
        except IntegrityError:
            return False
        return True

    async def get(self, credential_id: str) -> Issued | None:
        """Return one by its id."""
        found = await self._where(issued.c.credential_id == credential_id)
        return found[0] if found else None

    async def by_request(self, issuer: DID, request_key: str) -> Issued | None:
        """Return what was issued for an idempotency key."""
        found = await self._where(issued.c.issuer == issuer, issued.c.request_key == self._seal.digest(request_key))
        return found[0] if found else None

    async def successor(self, credential_id: str) -> Issued | None:
        """Return what replaces a credential."""
        found = await self._where(issued.c.renews == credential_id)
        return found[0] if found else None

    async def search(self, issuer: str, *, type_: str | None = None, holder: str | None = None) -> tuple[Issued, ...]:
        """Return what ``issuer`` issued, oldest first."""
        rules = [issued.c.issuer == issuer]
        if type_ is not None:
            rules.append(issued.c.type == type_)
        if holder is not None:
            rules.append(issued.c.holder == holder)
        return await self._where(*rules)

    async def held_here(self) -> tuple[Issued, ...]:
        """Return what stands and is in a wallet of this node, oldest first."""
        in_a_wallet = select(1).where(wallet.c.credential_id == issued.c.credential_id).exists()
        return await self._where(issued.c.revoked_at.is_(None), in_a_wallet)

    async def signed_with(self, kid: KeyId) -> tuple[Issued, ...]:
        """Return what stands and was signed with a key, oldest first."""
        return await self._where(issued.c.revoked_at.is_(None), issued.c.kid == kid)

    async def revoke(self, credential_id: str, now: datetime) -> bool:
        """Take a credential with a status back; ``False`` when that was done before.

        Its list is out of date with the same commit: whatever was signed of it is not served any more.
        """
        async with self._database.transaction() as connection:
            url = await connection.scalar(
                update(issued)
                .where(
                    issued.c.credential_id == credential_id,
                    issued.c.revoked_at.is_(None),
                    issued.c.status_list.is_not(None),
                )
                .values(revoked_at=milliseconds(now))
                .returning(issued.c.status_list)
            )
            if url is None:
                return False
            await connection.execute(
                update(status_lists).where(status_lists.c.url == url).values(version=status_lists.c.version + 1)
            )
        return True

    async def _where(self, *rules: Any) -> tuple[Issued, ...]:
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(issued).where(*rules).order_by(issued.c.issued_at, issued.c.credential_id).limit(MAX_FOUND)
            )
            return tuple(self._read(row) for row in rows)

    def _read(self, row: Row[Any]) -> Issued:
        place = (row.subject, row.credential_id)
        digest = row.request_sealed
        return Issued(
            credential_id=row.credential_id,
            subject=row.subject,
            issuer=DID(row.issuer),
            holder=DID(row.holder),
            type=row.type,
            kid=KeyId(row.kid),
            raw=self._seal.unseal(bytes(row.sealed), *place),
            issued_at=from_milliseconds(row.issued_at),
            expires_at=None if row.expires_at is None else from_milliseconds(row.expires_at),
            status_list=row.status_list,
            status_index=row.status_index,
            revoked_at=None if row.revoked_at is None else from_milliseconds(row.revoked_at),
            renews=row.renews,
            request_sha256=None
            if digest is None
            else bytes.fromhex(self._seal.unseal(bytes(digest), *place, "request")),
        )


def keep(wire: str | Mapping[str, Any]) -> str:
    """Return the text that is stored: a JWT as it is, JSON-LD with its members in the order given out."""
    return wire if isinstance(wire, str) else json.dumps(wire, ensure_ascii=False, separators=(",", ":"))
