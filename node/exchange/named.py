"""What checked pages named: only that may be read by reference (a practitioner, a document), and only under the same grant.

Kept as keyed digests until the grant ends, in memory and, so that any replica and the node after a restart know, in the database: who
reads either learns nothing about whom a page was, or of what.
"""

import hmac
import json
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

MAX_NAMED = 50_000
"""Resources remembered in memory; the oldest goes first, and is then asked of the database."""

DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFor:
    """About whose records a resource was named.

    Attributes:
        patient_ids: logical ids at this holder.
        expires_at: when the grant ends.
    """

    patient_ids: frozenset[str]
    expires_at: datetime


class NamedStore(Protocol):
    """Keeps digests where every replica finds them."""

    async def keep(self, digests: Iterable[bytes], about: bytes, expires_at: datetime) -> None:
        """Keep ``about`` (text of our own, not readable to others once stored) under each digest.

        Raises:
            RequestError: 503, they could not be kept.
        """
        ...

    async def find(self, digest: bytes) -> tuple[bytes, datetime] | None:
        """Return what was kept, with its end; ``None`` when there is nothing.

        Raises:
            RequestError: 503, nobody can say.
        """
        ...


class NamedResources:
    """Remembers what pages named. ``secret`` keys the digests."""

    def __init__(self, secret: bytes, store: NamedStore) -> None:
        self._secret = secret
        self._store = store
        self._named: OrderedDict[bytes, NamedFor] = OrderedDict()

    async def remember(self, grant: str, resources: Iterable[tuple[str, str]], named: NamedFor) -> None:
        """Note that a checked page under ``grant`` named these resources (type and id), about these records.

        Returns when any replica knows: the peer may ask for one the moment that the page arrives.

        Raises:
            RequestError: 503, it could not be kept.
        """
        digests = [self._key(grant, *each) for each in resources]
        new = [digest for digest in digests if self._named.get(digest) != named]
        if new:
            about = json.dumps(sorted(named.patient_ids)).encode()
            await self._store.keep(new, about, named.expires_at)
        for digest in digests:
            self._put(digest, named)

    async def named(self, grant: str, resource_type: str, resource_id: str, now: datetime) -> NamedFor | None:
        """Return about whom this resource was named under ``grant``; ``None`` when it was not, or the grant has ended.

        Raises:
            RequestError: 503, nobody can say.
        """
        key = self._key(grant, resource_type, resource_id)
        found = self._named.get(key)
        if found is None:
            stored = await self._store.find(key)
            if stored is None:
                return None
            found = NamedFor(patient_ids=frozenset(json.loads(stored[0])), expires_at=stored[1])
            self._put(key, found)
        if now >= found.expires_at:
            self._named.pop(key, None)
            return None
        return found

    def _put(self, key: bytes, named: NamedFor) -> None:
        self._named[key] = named
        self._named.move_to_end(key)
        while len(self._named) > MAX_NAMED:
            self._named.popitem(last=False)

    def _key(self, grant: str, resource_type: str, resource_id: str) -> bytes:
        text = f"named|{grant}|{resource_type}|{resource_id}"
        return hmac.digest(self._secret, text.encode(), "sha256")[:DIGEST_BYTES]
