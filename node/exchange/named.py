"""What checked pages named: only that may be read by reference (a practitioner, an organisation), and only under the same grant.

Kept as keyed digests, in memory, until the grant ends: who reads this memory learns nothing about whom a page was.
"""

import hmac
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

MAX_NAMED = 50_000
"""Resources remembered; the oldest goes first, and reading it then needs the page again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFor:
    """About whose records a resource was named.

    Attributes:
        patient_ids: logical ids at this holder.
        expires_at: when the grant ends.
    """

    patient_ids: frozenset[str]
    expires_at: datetime


class NamedResources:
    """Remembers what pages named. ``secret`` keys the digests."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._named: OrderedDict[bytes, NamedFor] = OrderedDict()

    def remember(self, grant: str, resource_type: str, resource_id: str, named: NamedFor) -> None:
        """Note that a checked page under ``grant`` named this resource."""
        key = self._key(grant, resource_type, resource_id)
        self._named[key] = named
        self._named.move_to_end(key)
        while len(self._named) > MAX_NAMED:
            self._named.popitem(last=False)

    def named(self, grant: str, resource_type: str, resource_id: str, now: datetime) -> NamedFor | None:
        """Return about whom this resource was named under ``grant``; ``None`` when it was not, or the grant has ended."""
        key = self._key(grant, resource_type, resource_id)
        found = self._named.get(key)
        if found is None or now >= found.expires_at:
            self._named.pop(key, None)
            return None
        return found

    def _key(self, grant: str, resource_type: str, resource_id: str) -> bytes:
        return hmac.digest(self._secret, f"named|{grant}|{resource_type}|{resource_id}".encode(), "sha256")[:16]
