"""Are the keys that signed what was granted still in their owners' documents, looked at again while it is used.

Whoever takes a key out of its document, or its whole identifier out of service, ends what the key earned: within a minute, here and on
every replica, since every use of a token asks. Only did:web can take anything back; other identifiers are their key.

Looking costs nothing while the document was seen in the last 45 s. After that it is fetched again, past the caches in between; one
request waits for it, 2 s at most, and the others go on with what was seen. When it can not be had, what was seen counts for 300 s,
as for everything that hangs on a peer's document; then, or if it was never seen, it can not be told. A document that is gone (404,
410) has no keys.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from credentials.did.identifier import DID
from credentials.errors import CredentialError, RevokedError, UnavailableError
from credentials.keys import KeyId
from node.ports import Clock

LOOK_AGAIN: Final = 45.0
"""Seconds after which a document is looked at again."""

TRY_AGAIN: Final = 5.0
"""Seconds between two looks at a document that can not be had."""

PATIENCE: Final = 2.0
"""Seconds that a request waits for a document that was seen before."""

GRACE: Final = 300.0
"""Seconds that a document counts after it was last seen."""

MAX_PARTIES: Final = 4_096
"""Parties remembered; the least recently used one goes."""

Look = Callable[[DID, float], Awaitable[tuple[frozenset[KeyId], float]]]
"""DID and age in seconds to the keys in its document, and when it was seen (``monotonic``); raises `CredentialError`."""


class WithdrawnKeyError(RevokedError):
    """A key that signed is not in its owner's document any more, or there is no such document."""

    def __init__(self) -> None:
        super().__init__("a key that signed is not published any more")


class _Seen:
    """What a document had, when it was seen, and when it was last looked for."""

    __slots__ = ("at", "kids", "tried")

    def __init__(self, kids: frozenset[KeyId], at: float) -> None:
        self.kids = kids
        self.at = at
        self.tried = at


class KeyStanding:
    """Remembers which keys are published.

    Args:
        look: finds the keys of a party.
        clock: measures age.
    """

    def __init__(self, look: Look, clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._seen: OrderedDict[DID, _Seen] = OrderedDict()
        self._looking: dict[DID, asyncio.Task[None]] = {}

    async def check(self, kids: Iterable[KeyId]) -> None:
        """Check that every key is in its owner's document.

        Raises:
            WithdrawnKeyError: one is not.
            UnavailableError: it can not be told.
        """
        for kid in kids:
            if not kid.startswith("did:web:"):
                continue
            did = DID(kid.partition("#")[0])
            seen = self._seen.get(did)
            if seen is None or self._clock.monotonic() - seen.at >= LOOK_AGAIN:
                seen = await self._look_again(did, seen)
            if kid not in seen.kids:
                raise WithdrawnKeyError

    def close(self) -> None:
        """Stop looking."""
        for task in self._looking.values():
            task.cancel()

    async def _look_again(self, did: DID, seen: _Seen | None) -> _Seen:
        now = self._clock.monotonic()
        counts = seen is not None and now - seen.at < GRACE
        task = self._looking.get(did)
        if seen is not None and counts and (task is not None or now - seen.tried < TRY_AGAIN):
            return seen  # somebody looks, or just did
        if task is None:
            task = self._looking[did] = asyncio.create_task(self._refresh(did))
            task.add_done_callback(lambda _: self._looking.pop(did, None))
        if seen is not None:
            seen.tried = now
        await asyncio.wait({task}, timeout=PATIENCE if counts else None)
        found = self._seen.get(did)
        if found is None or self._clock.monotonic() - found.at >= GRACE:
            raise UnavailableError("whether a key is still published can not be told")
        return found

    async def _refresh(self, did: DID) -> None:
        try:
            kids, at = await self._look(did, LOOK_AGAIN)
        except CredentialError:
            return
        self._seen[did] = _Seen(kids, at)
        self._seen.move_to_end(did)
        while len(self._seen) > MAX_PARTIES:
            self._seen.popitem(last=False)
