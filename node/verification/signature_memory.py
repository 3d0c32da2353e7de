"""Remembers which signatures matched which keys: the last few thousand of them.

A credential is presented again for every token; its signature does not change. What is remembered is that bytes, signature and
key belong together, never that a credential is acceptable: dates, holder and definitions are checked every time (SPEED §2).
"""

from collections import OrderedDict

MAX_SIGNATURES = 8_192
"""Digests of 32 bytes; about 1 MB."""


class SignatureMemory:
    """A bounded set of digests; implements ``credentials.ports.SignatureCache``. Two threads may use one."""

    def __init__(self) -> None:
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, digest: object, /) -> bool:
        try:
            self._digests.move_to_end(digest)  # type: ignore[arg-type]  # what is no digest is not there
        except KeyError:
            return False
        return True

    def add(self, digest: bytes, /) -> None:
        """Remember ``digest``; the least recently seen one goes when there are too many."""
        self._digests.pop(digest, None)
        self._digests[digest] = None
        while len(self._digests) > MAX_SIGNATURES:
            self._digests.popitem(last=False)
