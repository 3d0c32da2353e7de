"""Issue, revoke, list and renew credentials, each strictly for the organisation that owns the issuer's DID (WIRE §2.11.5).

Everything is checked before a key is used or an index of a status list spent. The same idempotency key with the same request gives the same
credential again; a second revocation says that it was done. Every signature and revocation is recorded before its outcome leaves.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from credentials.claims import to_rfc3339
from credentials.did.identifier import DID
from credentials.encoding import canonical_json
from credentials.status.build import status_entry
from credentials.status.entry import ListKind, entries_of
from credentials.types.catalogue import CredentialTypes
from credentials.vc.credential import VC_TYPE
from node.audit.log import AuditLog
from node.audit.record import AuditRecord
from node.identity.subjects import Subjects
from node.issuing.errors import (
    AlreadyRevokedError,
    NotRenewableError,
    NotRevocableError,
    RequestKeyReusedError,
    UnknownIssuedError,
    UnknownIssuerError,
)
from node.issuing.request import IssueRequest
from node.issuing.status_lists import IssuedLists
from node.issuing.store import Issued, IssuedStore, keep
from node.issuing.writing import write_credential
from node.ports import Clock, Entropy


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, for the record: the name of an API key, or what in the node itself."""

    name: str
    evidence: str = "API key"


class Issuer:
    """Issues for the organisations hosted here.

    Args:
        store: what was issued.
        lists: where indexes come from.
        subjects: who may issue, and with which key.
        types: what each type has to say.
        audit: where signatures and revocations are recorded.
        clock: for dates.
        entropy: for ids.
        on_revoked: who remembers status lists of this node is told the address of one that changed.
    """

    def __init__(
        self,
        *,
        store: IssuedStore,
        lists: IssuedLists,
        subjects: Subjects,
        types: CredentialTypes,
        audit: AuditLog,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._store = store
        self._lists = lists
        self._subjects = subjects
        self._types = types
        self._audit = audit
        self._clock = clock
        self._entropy = entropy
        self.on_revoked: list[Callable[[str], None]] = []

    async def issue(
        self, asked: IssueRequest, *, caller: Caller, request_key: str | None = None, renews: str | None = None
    ) -> Issued:
        """Issue a credential, or return the one that was issued for this idempotency key.

        Args:
            asked: what is to be issued.
            caller: for the record.
            request_key: the caller's idempotency key.
            renews: the credential that this one replaces.

        Raises:
            UnknownIssuerError: the issuer is not ours.
            InvalidRequestError: nobody would accept it.
            RequestKeyReusedError: the idempotency key belongs to another request.
            AuditUnavailableError: it can not be recorded, so it does not leave.
        """
        # (1) one of ours
        subject = await self._subjects.subject_of(asked.issuer)
        if subject is None:
            raise UnknownIssuerError
        # (2) not issued before
        digest = None if request_key is None else _digest(asked)
        if request_key is not None and (known := await self._of_request(asked.issuer, request_key, digest)):
            return known
        # (3) fit to be issued
        now = self._clock.now()
        credential_id = f"{asked.issuer}#{self._entropy.uuid()}"
        asked.check(self._types, credential_id=credential_id, now=now)
        key = await self._subjects.signing_key(asked.issuer)
        # (4) an entry, a signature, a row, a record: in this order, so that what is kept can be revoked and what leaves is recorded
        place = None if asked.status is None else await self._lists.allocate(asked.issuer, asked.status)
        status = None if place is None else status_entry(place.url, place.index, kind=place.kind)
        wire = await write_credential(asked, key, credential_id=credential_id, status=status, now=now)
        one = Issued(
            credential_id=credential_id,
            subject=subject,
            issuer=asked.issuer,
            holder=asked.holder,
            type=asked.type,
            kid=key.kid,
            raw=keep(wire),
            issued_at=now,
            expires_at=asked.expires_at,
            status_list=None if place is None else place.url,
            status_index=None if place is None else place.index,
            renews=renews,
            request_key=request_key,
            request_sha256=digest,
        )
        if not await self._store.add(one):  # somebody was a moment earlier with the same
            winner = await self._earlier(one)
            if winner is None:
                raise RequestKeyReusedError
            return winner
        await self._record(one, "credential_issued", f"issued a {one.type} with key {one.kid}", caller, now)
        return one

    async def revoke(self, credential_id: str, *, caller: Caller) -> None:
        """Take a credential back: its bit is set in the list as it is served from now on.

        Raises:
            UnknownIssuedError: not issued here.
            NotRevocableError: it has no status.
            AlreadyRevokedError: it was revoked before.
            AuditUnavailableError: revoked, but not recorded.
        """
        one = await self.get(credential_id)
        if one.status_list is None:
            raise NotRevocableError
        now = self._clock.now()
        if one.revoked_at is not None or not await self._store.revoke(credential_id, now):
            raise AlreadyRevokedError
        for tell in self.on_revoked:
            tell(one.status_list)
        await self._record(one, "credential_revoked", f"revoked a {one.type}", caller, now)

    async def get(self, credential_id: str) -> Issued:
        """Return what was issued under an id.

        Raises:
            UnknownIssuedError: nothing.
        """
        found = await self._store.get(credential_id)
        if found is None:
            raise UnknownIssuedError
        return found

    async def search(self, issuer: str, *, type_: str | None = None, holder: str | None = None) -> tuple[Issued, ...]:
        """Return what one of our DIDs issued, oldest first; nothing for anybody else's."""
        if await self._subjects.subject_of(issuer) is None:
            return ()
        return await self._store.search(issuer, type_=type_, holder=holder)

    async def renew(self, credential_id: str, *, caller: Caller) -> Issued:
        """Issue a credential again as it was, for as long as it was; the same successor however often it is asked.

        Raises:
            UnknownIssuedError: not issued here.
            NotRenewableError: it was revoked, or never expires.
            InvalidRequestError: what was accepted then is not accepted now.
        """
        one = await self.get(credential_id)
        known = await self._store.successor(credential_id)
        if known is not None:
            return known
        if one.revoked_at is not None or one.expires_at is None:
            raise NotRenewableError
        return await self.issue(self._again(one), caller=caller, renews=credential_id)

    async def sign_again(self, credential_id: str, *, caller: Caller) -> Issued:
        """Issue a credential again with the key that signs now, until it would have expired: after a key was compromised.

        Raises:
            UnknownIssuedError: not issued here.
            NotRenewableError: it was revoked, or has expired.
        """
        one = await self.get(credential_id)
        known = await self._store.successor(credential_id)
        if known is not None:
            return known
        if one.revoked_at is not None or (one.expires_at is not None and one.expires_at <= self._clock.now()):
            raise NotRenewableError
        return await self.issue(
            replace(self._again(one), expires_at=one.expires_at), caller=caller, renews=credential_id
        )

    def _again(self, one: Issued) -> IssueRequest:
        credential = one.credential
        kind: ListKind | None = next((entry.kind for entry in entries_of(credential)), None)
        lifetime = timedelta(0) if one.expires_at is None else one.expires_at - one.issued_at
        return IssueRequest(
            issuer=one.issuer,
            type=one.type,
            holder=one.holder,
            subject={name: value for name, value in credential.subjects[0].items() if name != "id"},
            contexts=credential.contexts,
            expires_at=None if one.expires_at is None else (self._clock.now() + lifetime).replace(microsecond=0),
            format=credential.format,
            status=kind,
        )

    async def _of_request(self, issuer: DID, request_key: str, digest: bytes | None) -> Issued | None:
        known = await self._store.by_request(issuer, request_key)
        if known is not None and known.request_sha256 != digest:
            raise RequestKeyReusedError
        return known

    async def _earlier(self, one: Issued) -> Issued | None:
        if one.request_key is not None:
            return await self._of_request(one.issuer, one.request_key, one.request_sha256)
        return None if one.renews is None else await self._store.successor(one.renews)

    async def _record(self, one: Issued, code: str, what: str, caller: Caller, now: datetime) -> None:
        await self._audit.record(
            AuditRecord(
                kind="change",
                direction="local",
                subject=one.subject,
                at=now,
                decision="permit",
                code=code,
                peer_did=one.holder,
                user_id=caller.name,
                user_evidence=caller.evidence,
                interaction=f"{what}: {one.credential_id}",
            )
        )


def _digest(asked: IssueRequest) -> bytes:
    """What makes two requests the same."""
    value: Mapping[str, Any] = {
        "issuer": asked.issuer,
        "type": [VC_TYPE, asked.type],
        "holder": asked.holder,
        "subject": _exact(asked.subject),
        "contexts": list(asked.contexts),
        "expires_at": None if asked.expires_at is None else to_rfc3339(asked.expires_at),
        "format": asked.format,
        "status": asked.status,
    }
    return hashlib.sha256(canonical_json(value)).digest()


def _exact(value: Any) -> Any:
    """The value with its fractions as text, which canonical JSON for hashing does not have."""
    match value:
        case Mapping():
            return {str(name): _exact(each) for name, each in value.items()}
        case list() | tuple():
            return [_exact(each) for each in value]
        case float():
            return {"float": repr(value)}
        case _:
            return value
