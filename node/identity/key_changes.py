"""Keys of our organisations change: rotated, retired, or called compromised.

A **rotation** puts a new key in front: it signs at once, and the older ones go on verifying what they signed until somebody
removes them. No peer fails in between: one that has our document in memory meets an unknown key id and fetches the document again
(``resolver.py``), and nuts-node keeps no documents (WIRE §2.1).

**Retiring** takes an older key out of the document. What it signed no longer verifies, so it is done when that has expired or
was made anew.

**Compromise** does both at once, whichever key it was: there is a new key, the old one is in no document and in no vault, and what hung on
it is made anew by those who listen. Public halves are kept for ever, since our own old records were signed with them.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import func, insert, select, update

from credentials.did.document import verification_method
from credentials.did.identifier import DID, did_method
from credentials.keys import KeyId, PublicKey
from node.identity.errors import FixedKeyError, SigningKeyError, UnknownKeyError
from node.identity.methods import new_key_id
from node.identity.subjects import KEY_ORDER, Subjects, jwk_text
from node.keys.errors import VaultError
from node.ports import Clock, Entropy, KeyVault
from node.storage.database import Database
from node.storage.schema import did_keys

logger = logging.getLogger(__name__)

Why = Literal["retired", "compromised"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnKey:
    """One of our keys, present or past.

    Attributes:
        signs: the first one of its document.
        removed_at: when it was taken out of the document.
        removed_because: why.
    """

    kid: KeyId
    did: DID
    signs: bool
    created_at: datetime
    removed_at: datetime | None
    removed_because: Why | None


Compromised = Callable[[str, OwnKey], Awaitable[None]]
"""Is told the subject and the key, after it is out of service."""


class KeyChanges:
    """Rotates and removes keys.

    Args:
        database: with ``dids`` and ``did_keys``.
        vault: makes and forgets private keys.
        on_compromise: who makes anew what hung on a key; each is told, whatever becomes of the others.
    """

    def __init__(self, database: Database, subjects: Subjects, vault: KeyVault, clock: Clock, entropy: Entropy) -> None:
        self._database = database
        self._subjects = subjects
        self._vault = vault
        self._clock = clock
        self._entropy = entropy
        self.on_compromise: list[Compromised] = []

    async def keys(self, subject: str) -> tuple[OwnKey, ...]:
        """Return every key of a subject: per DID those in the document, in its order, and then the former ones.

        Raises:
            UnknownSubjectError: no such subject.
        """
        found: list[OwnKey] = []
        for did in (await self._subjects.get(subject)).dids:
            async with self._database.reading() as connection:
                rows = await connection.execute(
                    select(did_keys.c.kid, did_keys.c.created_at, did_keys.c.removed_at, did_keys.c.removed_because)
                    .where(did_keys.c.did == did)
                    .order_by(did_keys.c.removed_at.isnot(None), *KEY_ORDER)
                )
                for place, (kid, created, removed, why) in enumerate(rows):
                    found.append(
                        OwnKey(
                            kid=KeyId(kid),
                            did=did,
                            signs=place == 0 and removed is None,
                            created_at=_moment(created),
                            removed_at=None if removed is None else _moment(removed),
                            removed_because=why,
                        )
                    )
        return tuple(found)

    async def rotate(self, subject: str) -> list[dict[str, Any]]:
        """Give every did:web of a subject a new key that signs from now on; return their entries in the documents.

        Raises:
            UnknownSubjectError: no such subject.
            VaultError: the vault can not make a key now; nothing has changed.
        """
        mine = [did for did in (await self._subjects.get(subject)).dids if did_method(did) == "web"]
        return [await self._new_key(did) for did in mine]

    async def retire(self, subject: str, kid: str) -> None:
        """Take an older key out of the document: what it signed no longer verifies.

        Raises:
            UnknownSubjectError: no such subject.
            UnknownKeyError: it is not one of the keys in its documents.
            SigningKeyError: it is the one that signs.
        """
        key = await self._present(subject, kid)
        if key.signs:
            raise SigningKeyError
        await self._remove(key, "retired")

    async def compromise(self, subject: str, kid: str) -> KeyId:
        """Take a key out of service everywhere and at once; return the id of the key that signs from now on.

        Raises:
            UnknownSubjectError: no such subject.
            UnknownKeyError: it is not one of the keys in its documents.
            FixedKeyError: its identifier is the key; deactivate the subject, or take the method out of ``did_methods``.
            VaultError: the vault can not make a new key; nothing has changed.
        """
        key = await self._present(subject, kid)
        if did_method(key.did) != "web":
            raise FixedKeyError
        if key.signs:  # first the new one, so that the document is never without
            await self._new_key(key.did)
        await self._remove(key, "compromised")
        logger.warning("key compromised", extra={"subject": subject, "kid": key.kid})
        for tell in self.on_compromise:
            try:
                await tell(subject, key)
            except Exception as error:  # noqa: BLE001  # the key is out of service; the rest is tried by its owner again
                logger.warning("not renewed after compromise", extra={"kid": key.kid, "error": type(error).__name__})
        return (await self._subjects.keys(key.did))[0][0]

    async def _new_key(self, did: DID) -> dict[str, Any]:
        kid = new_key_id(did, self._entropy)
        public: PublicKey = await self._vault.create(kid)
        async with self._database.transaction() as connection:
            first = await connection.execute(select(func.min(did_keys.c.position)).where(did_keys.c.did == did))
            await connection.execute(
                insert(did_keys).values(
                    kid=kid,
                    did=did,
                    position=first.scalar_one() - 1,
                    public_jwk_json=jwk_text(public),
                    created_at=self._now(),
                )
            )
        self._subjects.forget()
        logger.info("key made", extra={"kid": kid})
        return verification_method(did, kid, public)

    async def _present(self, subject: str, kid: str) -> OwnKey:
        for key in await self.keys(subject):
            if key.kid == kid and key.removed_at is None:
                return key
        raise UnknownKeyError

    async def _remove(self, key: OwnKey, why: Why) -> None:
        """Take ``key`` out of the document first, so that nobody believes it while the vault is asked to forget it."""
        async with self._database.transaction() as connection:
            await connection.execute(
                update(did_keys)
                .where(did_keys.c.kid == key.kid, did_keys.c.removed_at.is_(None))
                .values(removed_at=self._now(), removed_because=why)
            )
        self._subjects.forget()
        logger.info("key removed", extra={"kid": key.kid, "reason": why})
        try:
            await self._vault.remove(key.kid)
        except VaultError as error:  # nobody believes it any more; that it still exists is worth knowing
            logger.warning("private key not removed", extra={"kid": key.kid, "error": type(error).__name__})

    def _now(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
