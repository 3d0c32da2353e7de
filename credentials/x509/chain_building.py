"""From certificates in any order to one path: leaf first, each issued by the next, a self-signed root last.

``x5c`` should come in exactly that order (RFC 7515 §4.1.6); nuts-node takes no other and we write no other, but there are
senders who sort otherwise, repeat a certificate, or add the cross-signed twin of a CA. Such a set is searched for its
shortest path (RFC 4158). Names and signatures decide what was issued by what; dates and roles are for the validation of
the path that was found, so that a search never makes a chain acceptable.

A stranger chooses what is searched, so the search is bounded: no path holds one CA (name and key) twice, which ends every
loop of cross-signed certificates, and there are no more than `MAX_STEPS` steps. Nobody has signed anything yet when a message
is read, so all its chains together have one `ReadingBudget`.
"""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final, Generic, Protocol, Self, TypeVar

from credentials.did.der import CertificateParts
from credentials.errors import UntrustedError
from credentials.keys import PublicKey

MAX_STEPS: Final = 64
"""Longest search, in paths looked at. Eight certificates that are one chain need eight."""
MAX_TRIALS: Final = 10
"""Most signatures checked while one message is read, each up to 1.2 ms (P-521). Only chains in another order than they should
come in need any: one of eight certificates eight, five of three under the same CA seven."""
MAX_MESSAGE_CERTIFICATE_BYTES: Final = 20_480
"""Most DER read for one message, each certificate counted once: a kilobyte of names takes up to a millisecond. UZI certificates
have some 2 kB, and share their issuers."""


class Certificate(Protocol):
    """What a search asks of a certificate."""

    @property
    def der(self) -> bytes:
        """As received."""

    @property
    def parts(self) -> CertificateParts:
        """Places in it: its names."""

    @property
    def key(self) -> PublicKey:
        """Its public key."""

    @property
    def is_authority(self) -> bool:
        """Whether it says that it is a CA."""

    def check_issued_by(self, issuer: Self, /) -> None:
        """Raise `UntrustedError` unless that one has its issuer's name and signed it."""


Each = TypeVar("Each", bound=Certificate)


class ReadingBudget:
    """What the certificates of one message may cost before anything in it is believed; counts over all its chains.

    >>> budget = ReadingBudget()
    >>> budget.spend_bytes([bytes(20_000), bytes(20_000)])  # the same one twice
    >>> budget.spend_bytes([b"another" * 1_000])
    Traceback (most recent call last):
    credentials.errors.UntrustedError: more than 20480 bytes of certificates in one message
    """

    __slots__ = ("_bytes", "_seen", "_trials")

    def __init__(self) -> None:
        self._bytes = 0
        self._seen: set[bytes] = set()
        self._trials: dict[tuple[bytes, bytes], bool] = {}

    def spend_bytes(self, ders: Sequence[bytes]) -> None:
        """Count certificates before they are read.

        Raises:
            UntrustedError: more than the message may have.
        """
        new = set(ders) - self._seen
        self._bytes += sum(map(len, new))
        if self._bytes > MAX_MESSAGE_CERTIFICATE_BYTES:
            raise UntrustedError(f"more than {MAX_MESSAGE_CERTIFICATE_BYTES} bytes of certificates in one message")
        self._seen |= new

    def try_signature(self, certificate: Each, issuer: Each) -> bool:
        """Whether ``issuer`` signed ``certificate``; what was found is remembered for the message.

        Raises:
            UntrustedError: more signatures than the message may have tried.
        """
        asked = (certificate.der, issuer.der)
        known = self._trials.get(asked)
        if known is None:
            if len(self._trials) == MAX_TRIALS:
                raise UntrustedError("chain has too many certificates of the same name")
            try:
                certificate.check_issued_by(issuer)
                known = True
            except UntrustedError:
                known = False
            self._trials[asked] = known
        return known


def issuing_order(
    given: Sequence[Each], *, through: Callable[[Each], bool] | None = None, budget: ReadingBudget | None = None
) -> tuple[Each, ...]:
    """Find the path in a set of certificates.

    Args:
        given: in any order; duplicates and CAs that are not on the path are passed over.
        through: when given, a CA for which it is true has to be on the path.
        budget: of the message the certificates came with; by default one for this search alone.

    Returns:
        The leaf, its issuers, and a self-issued certificate last: names fit, nothing is validated.

    Raises:
        UntrustedError: not exactly one certificate that is no CA, no such path, or a search that takes too long.
    """
    # (1) already in order, as nearly always: names say so, validation checks the rest
    if _is_in_order(given) and (through is None or any(map(through, given[1:]))):
        return tuple(given)
    # (2) each certificate once, exactly one of them no CA: two would leave open whose certificate this is
    rest = list({each.der: each for each in given}.values())
    leaves = [each for each in rest if not each.is_authority]
    if len(leaves) != 1:
        raise UntrustedError("chain does not have exactly one leaf")
    # (3) no search for a CA that is not there
    authorities = [each for each in rest if each.is_authority]
    if through is not None and not any(map(through, authorities)):
        raise UntrustedError("the CA it names is not in the chain")
    # (4) the shortest path; of several the one that comes first in what was sent
    return _Search(authorities, ReadingBudget() if budget is None else budget).path(leaves[0], through)


def _is_in_order(given: Sequence[Certificate]) -> bool:
    names = [(each.parts.subject, each.parts.issuer) for each in given]
    return (
        all(subject != issuer == above for (subject, issuer), (above, _) in pairwise(names))
        and names[-1][0] == names[-1][1]
        and len({each.der for each in given}) == len(given)
    )


class _Search(Generic[Each]):
    """One search; counts what it costs."""

    def __init__(self, authorities: Sequence[Each], budget: ReadingBudget) -> None:
        self._authorities = authorities
        self._budget = budget
        self._steps = 0

    def path(self, leaf: Each, through: Callable[[Each], bool] | None) -> tuple[Each, ...]:
        """Look at paths in the order of their length."""
        paths: deque[tuple[Each, ...]] = deque([(leaf,)])
        ends = False
        while paths:
            self._steps += 1
            if self._steps > MAX_STEPS:
                raise UntrustedError("chain has too many ways from its leaf to a root")
            path = paths.popleft()
            last = path[-1]
            if last is not leaf and self._was_issued_by(last, last):
                if through is None or any(map(through, path[1:])):
                    return path
                ends = True
                continue
            taken = {(each.parts.subject, each.key) for each in path[1:]}
            paths.extend(
                (*path, each)
                for each in self._authorities
                if (each.parts.subject, each.key) not in taken and self._was_issued_by(last, each)
            )
        if ends:
            raise UntrustedError("the CA it names is not in the chain")
        raise UntrustedError("chain is not complete: the next one up to a self-signed root is missing")

    def _was_issued_by(self, certificate: Each, issuer: Each) -> bool:
        return certificate.parts.issuer == issuer.parts.subject and self._budget.try_signature(certificate, issuer)
