"""The organisations this node hosts: names, DIDs, public keys and DID documents (WIRE §2.2).

A subject's *name* appears in ``/oauth2/{name}``; its DIDs, one per configured method and in the configured order, never hold it. The
first key of the first DID signs, and a rotation puts the newer key in front. Private keys stay in the vault. Keys change in
``key_changes.py``, services in ``services.py``.

What is read often (a token request asks for its subject several times) is kept in memory. One process writes; replicas on one
PostgreSQL see each other's changes within :data:`MAX_AGE`.
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from credentials.did.document import RELATIONSHIPS, build_document
from credentials.did.identifier import DID, did_method
from credentials.did.service import Service
from credentials.keys import KeyId, PublicKey
from credentials.ports import PrivateKey
from node.config.model import DidMethod
from node.identity.errors import InvalidSubjectError, SubjectExistsError, UnknownSubjectError
from node.identity.methods import make_did
from node.keys.errors import VaultError
from node.ports import Clock, Entropy, KeyVault
from node.storage.database import Database
from node.storage.schema import did_keys, did_services, dids, subjects

__all__ = ["InvalidSubjectError", "Subject", "SubjectExistsError", "Subjects", "UnknownSubjectError"]

MAX_NAME = 128
MAX_AGE = 60.0
"""Seconds that a subject is served from memory."""

KEY_ORDER = (did_keys.c.position, did_keys.c.created_at.desc(), did_keys.c.kid)
"""Of the keys in a document: a rotation counts down."""

_NAME = re.compile(r"[a-zA-Z0-9._-]{1,128}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An organisation hosted here.

    Attributes:
        name: as in ``/oauth2/{name}``.
        dids: in order of preference; the first one signs.
    """

    name: str
    dids: tuple[DID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What became of one of our DIDs.

    Attributes:
        updated: when a key or a service last came, or a key went.
    """

    created: datetime
    updated: datetime
    is_deactivated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A subject with the public keys and services of its DIDs, in document order."""

    subject: Subject
    keys: Mapping[DID, tuple[tuple[KeyId, PublicKey], ...]]
    services: Mapping[DID, tuple[Service, ...]]
    loaded: float


class Subjects:
    """Finds and makes subjects.

    Args:
        database: with the tables ``subjects``, ``dids`` and ``did_keys``.
        vault: makes and holds the private keys.
        clock: for creation times and the age of what is in memory.
        entropy: for UUIDs.
        public_url: where the world reaches this node, without a trailing slash.
        methods: kinds of DIDs that a subject gets, in order of preference.

    Attributes:
        on_deactivate: who is told the name of a subject that was taken out of service, again when that is repeated.
    """

    def __init__(
        self,
        database: Database,
        vault: KeyVault,
        clock: Clock,
        entropy: Entropy,
        public_url: str,
        *,
        methods: Sequence[DidMethod] = ("web",),
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._entropy = entropy
        self._public_url = public_url.rstrip("/")
        self._methods = tuple(methods)
        self._by_name: dict[str, _Known] = {}
        self._names: dict[str, str] | None = None
        self._names_loaded = 0.0
        self._changes = 0
        self.on_deactivate: list[Callable[[str], Awaitable[None]]] = []

    async def create(self, name: str | None = None) -> Subject:
        """Make a subject with a DID of each configured method and a P-256 key for each; the name defaults to a random UUID.

        Raises:
            InvalidSubjectError: the name can not be used.
            SubjectExistsError: the name is taken.
            VaultError: the vault can not make keys now.
        """
        name = self._entropy.uuid() if name is None else name
        if _NAME.fullmatch(name) is None or set(name) == {"."}:  # "." and ".." are not path segments
            raise InvalidSubjectError
        # The keys first: a crash in between leaves a key that nobody refers to, never a document without its key.
        made = [await make_did(method, self._vault, self._entropy, self._public_url) for method in self._methods]
        now = int(self._clock.now().timestamp() * 1000)
        try:
            async with self._database.transaction() as connection:
                await connection.execute(insert(subjects).values(name=name, created_at=now))
                for position, (did, kid, public) in enumerate(made):
                    await connection.execute(
                        insert(dids).values(did=did, subject=name, position=position, created_at=now)
                    )
                    await connection.execute(
                        insert(did_keys).values(
                            kid=kid, did=did, position=0, public_jwk_json=jwk_text(public), created_at=now
                        )
                    )
        except IntegrityError as error:
            raise SubjectExistsError from error
        self.forget()
        return Subject(name=name, dids=tuple(did for did, _, _ in made))

    async def deactivate(self, name: str) -> None:
        """Take a subject out of service for good: its documents are gone, its name stays taken. Once more changes nothing.

        Raises:
            UnknownSubjectError: there never was such a subject.
        """
        if _NAME.fullmatch(name) is None:
            raise UnknownSubjectError
        now = int(self._clock.now().timestamp() * 1000)
        async with self._database.transaction() as connection:
            found = await connection.execute(select(subjects.c.name).where(subjects.c.name == name))
            if found.first() is None:
                raise UnknownSubjectError
            await connection.execute(
                update(subjects)
                .where(subjects.c.name == name, subjects.c.deactivated_at.is_(None))
                .values(deactivated_at=now)
            )
        self.forget()
        for tell in self.on_deactivate:
            await tell(name)

    async def dids_ever(self, name: str) -> tuple[DID, ...]:
        """Return the DIDs of a subject, also of one that was deactivated.

        Raises:
            UnknownSubjectError: there never was such a subject.
        """
        if _NAME.fullmatch(name) is None:
            raise UnknownSubjectError
        async with self._database.reading() as connection:
            rows = await connection.execute(select(dids.c.did).where(dids.c.subject == name).order_by(dids.c.position))
            found = [DID(row.did) for row in rows]
        if not found:
            raise UnknownSubjectError
        return self._in_order(found)

    async def history(self, did: DID) -> History | None:
        """Return since when one of our DIDs exists, and what became of it; ``None`` when it never was ours."""
        async with self._database.reading() as connection:
            found = await connection.execute(
                select(dids.c.created_at, subjects.c.deactivated_at)
                .join(subjects, dids.c.subject == subjects.c.name)
                .where(dids.c.did == did)
            )
            row = found.first()
            if row is None:
                return None
            changes = await connection.execute(
                select(func.max(did_keys.c.created_at), func.max(did_keys.c.removed_at)).where(did_keys.c.did == did)
            )
            services = await connection.execute(
                select(func.max(did_services.c.created_at)).where(did_services.c.did == did)
            )
            moments = [row.created_at, *changes.one(), services.scalar_one()]
        updated = max(moment for moment in moments if moment is not None)
        return History(
            created=_moment(row.created_at), updated=_moment(updated), is_deactivated=row.deactivated_at is not None
        )

    async def get(self, name: str) -> Subject:
        """Return the subject called ``name``.

        Raises:
            UnknownSubjectError: there is none, or it was deactivated.
        """
        return (await self._known(name)).subject

    async def all(self) -> tuple[Subject, ...]:
        """Return every active subject, by name."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(subjects.c.name, dids.c.did)
                .join(dids, dids.c.subject == subjects.c.name)
                .where(subjects.c.deactivated_at.is_(None))
                .order_by(subjects.c.name, dids.c.position)
            )
            found: dict[str, list[DID]] = {}
            for name, did in rows:
                found.setdefault(name, []).append(DID(did))
        return tuple(Subject(name=name, dids=self._in_order(owned)) for name, owned in found.items())

    async def subject_of(self, did: str) -> str | None:
        """Return the name of the active subject that owns ``did``; ``None`` when it is not one of ours."""
        now = self._clock.monotonic()
        names = self._names
        if names is None or now - self._names_loaded >= MAX_AGE:
            changes = self._changes
            names = {one: subject.name for subject in await self.all() for one in subject.dids}
            if changes == self._changes:  # else somebody was made while we read
                self._names, self._names_loaded = names, now
        return names.get(did)

    async def keys(self, did: DID) -> tuple[tuple[KeyId, PublicKey], ...]:
        """Return the public keys of one of our DIDs in document order; empty when it is not ours."""
        name = await self.subject_of(did)
        if name is None:
            return ()
        try:
            return (await self._known(name)).keys.get(did, ())
        except UnknownSubjectError:  # deactivated since the names were read
            return ()

    async def document(self, did: str) -> dict[str, Any] | None:
        """Return the DID document we serve for ``did``; ``None`` when it is not one of ours."""
        keys = await self.keys(DID(did))
        if not keys:
            return None
        services = await self.services(DID(did))
        relationships = (
            ("assertionMethod",) if did_method(did) == "jwk" else RELATIONSHIPS
        )  # as who resolves it sees it
        return build_document(DID(did), keys, [each.to_json(DID(did)) for each in services], relationships)

    async def services(self, did: DID) -> tuple[Service, ...]:
        """Return the services of one of our DIDs in document order; empty when it is not ours."""
        name = await self.subject_of(did)
        try:
            return () if name is None else (await self._known(name)).services.get(did, ())
        except UnknownSubjectError:  # as above
            return ()

    async def keys_ever(self, did: DID) -> Mapping[KeyId, PublicKey]:
        """Return every key that one of our DIDs ever had: old records of ours were signed with them."""
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(did_keys.c.kid, did_keys.c.public_jwk_json).where(did_keys.c.did == did).order_by(*KEY_ORDER)
            )
            return {KeyId(kid): PublicKey.from_jwk(json.loads(jwk)) for kid, jwk in rows}

    async def signer(self, name: str) -> tuple[DID, PrivateKey]:
        """Return the DID and the key with which ``name`` signs.

        Raises:
            UnknownSubjectError: no such subject.
            VaultError: the vault can not be used now, or does not hold its key.
        """
        known = await self._known(name)
        did = known.subject.dids[0]
        return did, await self.signing_key(did)

    async def signing_key(self, did: DID) -> PrivateKey:
        """Return the key with which one of our DIDs signs: the first one in its document.

        Raises:
            UnknownSubjectError: the DID is not ours.
            VaultError: the vault can not be used now, or does not hold its key.
        """
        keys = await self.keys(did)
        if not keys:
            raise UnknownSubjectError
        try:
            return await self._vault.key(keys[0][0])
        except KeyError as error:
            raise VaultError(
                "the private key of our identifier is not in the vault",
                "restore the vault from the backup, or make a new key with: hazel key rotate",
            ) from error

    def forget(self) -> None:
        """Forget what is in memory; called after every change."""
        self._changes += 1
        self._by_name.clear()
        self._names = None

    async def _known(self, name: str) -> _Known:
        known = self._by_name.get(name)
        if known is not None and self._clock.monotonic() - known.loaded < MAX_AGE:
            return known
        known = await self._load(name)
        self._by_name[name] = known
        return known

    async def _load(self, name: str) -> _Known:
        if _NAME.fullmatch(name) is None:
            raise UnknownSubjectError
        async with self._database.reading() as connection:
            rows = await connection.execute(
                select(dids.c.did, did_keys.c.kid, did_keys.c.public_jwk_json)
                .join(subjects, dids.c.subject == subjects.c.name)
                .join(did_keys, did_keys.c.did == dids.c.did)
                .where(subjects.c.name == name, subjects.c.deactivated_at.is_(None), did_keys.c.removed_at.is_(None))
                .order_by(dids.c.position, *KEY_ORDER)
            )
            keys: dict[DID, list[tuple[KeyId, PublicKey]]] = {}
            for did, kid, jwk in rows:
                keys.setdefault(DID(did), []).append((KeyId(kid), PublicKey.from_jwk(json.loads(jwk))))
            rows = await connection.execute(
                select(did_services.c.did, did_services.c.type, did_services.c.endpoint_json)
                .join(dids, did_services.c.did == dids.c.did)
                .where(dids.c.subject == name)
                .order_by(did_services.c.position, did_services.c.fragment)
            )
            services: dict[DID, list[Service]] = {}
            for did, kind, endpoint in rows:
                services.setdefault(DID(did), []).append(Service(type=kind, endpoint_json=endpoint))
        if not keys:
            self._by_name.pop(name, None)
            raise UnknownSubjectError
        return _Known(
            subject=Subject(name=name, dids=self._in_order(keys)),
            keys={did: tuple(found) for did, found in keys.items()},
            services={did: tuple(found) for did, found in services.items()},
            loaded=self._clock.monotonic(),
        )

    def _in_order(self, owned: Iterable[DID]) -> tuple[DID, ...]:
        """Return DIDs in the configured order of their methods; those that are not configured any more come last."""
        order = {method: place for place, method in enumerate(self._methods)}
        return tuple(sorted(owned, key=lambda did: order.get(cast("DidMethod", did_method(did)), len(order))))


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def jwk_text(key: PublicKey) -> str:
    """Write a public key as it is stored."""
    return json.dumps(key.to_jwk(), sort_keys=True, separators=(",", ":"))
