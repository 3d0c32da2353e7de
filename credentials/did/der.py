"""Where the parts of a certificate lie in its DER (X.690, RFC 5280 §4.1), so that they can be compared as they were received.

`cryptography` has read the certificate before, and refuses what is not DER; this only finds places in it. The names and the signed
part come out as the bytes that were signed, without reading and writing them again: a fifth of what its own properties take.
"""

from dataclasses import dataclass, field
from typing import Self

_VERSION = 0xA0
_LONG_FORM = 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateParts:
    """Bytes of a certificate, each with tag and length except the signature.

    Attributes:
        signed: what the signature is over (``tbsCertificate``).
        inner_algorithm: the algorithm as the signed part names it.
        algorithm: the algorithm as the outside names it.
        signature: without the count of unused bits.
    """

    signed: bytes = field(repr=False)
    inner_algorithm: bytes
    issuer: bytes
    subject: bytes
    algorithm: bytes
    signature: bytes = field(repr=False)

    @classmethod
    def find(cls, der: bytes) -> Self:
        """Find the parts of a certificate that `cryptography` has read."""
        body = _content(der, 0)
        start, end = _content(der, body), _end(der, body)
        algorithm_end = _end(der, end)
        signature = _content(der, algorithm_end)
        inner = _end(der, _end(der, start) if der[start] == _VERSION else start)  # behind the serial number
        issuer = _end(der, inner)
        validity = _end(der, issuer)
        subject = _end(der, validity)
        return cls(
            signed=der[body:end],
            inner_algorithm=der[inner:issuer],
            issuer=der[issuer:validity],
            subject=der[subject : _end(der, subject)],
            algorithm=der[end:algorithm_end],
            signature=der[signature + 1 :],
        )


def _content(der: bytes, at: int) -> int:
    """Return where the content of the element at ``at`` begins."""
    length = der[at + 1]
    return at + 2 if length < _LONG_FORM else at + 2 + length - _LONG_FORM


def _end(der: bytes, at: int) -> int:
    """Return where the element at ``at`` ends."""
    length = der[at + 1]
    if length < _LONG_FORM:
        return at + 2 + length
    content = at + 2 + length - _LONG_FORM
    return content + int.from_bytes(der[at + 2 : content])
