"""The two dialects of nuts-node on the wire, as far as others see them (WIRE §0)."""

from dataclasses import dataclass
from typing import Any

_ALGORITHMS = ("ES256", "EdDSA", "ES384", "ES512", "PS256", "PS384", "PS512")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One of them.

    Attributes:
        name: for people and for the names of tests.
        algorithms: that its metadata lists.
        names_issuer: ``iss`` and ``iat`` in presentations, ``iat`` in credentials; the other one writes ``vp.holder``.
        collapses: whether an array of one element is written without the array in a JWT presentation.
        checks_issuer: whether the metadata of another server has to name the issuer it was asked for.
        skew: seconds that times in a JWT may lie in the future.
    """

    name: str
    algorithms: tuple[str, ...]
    names_issuer: bool
    collapses: bool
    checks_issuer: bool
    skew: int

    def one_or_many(self, values: list[Any]) -> Any:
        """Write a list as this dialect does inside a JWT presentation."""
        return values[0] if self.collapses and len(values) == 1 else values


RELEASE = Dialect(name="6.2", algorithms=_ALGORITHMS, names_issuer=False, collapses=True, checks_issuer=False, skew=0)
MASTER = Dialect(
    name="master", algorithms=(*_ALGORITHMS, "RS256"), names_issuer=True, collapses=False, checks_issuer=True, skew=5
)
DIALECTS = (RELEASE, MASTER)
