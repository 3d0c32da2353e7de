"""Remembers the certificate chains that peers present again for every token: the last few dozen of them.

Reading three certificates takes as long as verifying six signatures. What is remembered is what the texts say, never that they are
to be believed: dates, revocation and policies are checked every time (SPEED §2).
"""

from collections import OrderedDict

from credentials.did.certificate_chain import CertificateChain

MAX_CHAINS = 64
"""Chains; a stranger who sends others pushes out known ones, which are then read again."""

MAX_BYTES = 12_288
"""Of all certificates of a chain; three of the usual kind have 4,000, and what is larger is read each time."""


class ChainMemory:
    """A bounded memory; implements ``credentials.vc.evidence.ChainMemory``."""

    def __init__(self) -> None:
        self._chains: OrderedDict[bytes, CertificateChain] = OrderedDict()

    def get(self, digest: bytes, /) -> CertificateChain | None:
        """Return the chain behind ``digest``."""
        found = self._chains.get(digest)
        if found is not None:
            self._chains.move_to_end(digest)
        return found

    def __setitem__(self, digest: bytes, chain: CertificateChain, /) -> None:
        """Remember ``chain``; the least recently used one goes when there are too many."""
        if sum(len(each.der) for each in chain.certificates) > MAX_BYTES:
            return
        self._chains[digest] = chain
        while len(self._chains) > MAX_CHAINS:
            self._chains.popitem(last=False)
