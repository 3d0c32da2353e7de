"""Does what was granted before still stand: the status of the credentials it rests on, looked at again.

A grant keeps where the statuses of its credentials are, not the credentials. Looking again costs microseconds while the lists
are in memory, and a fetch when they have grown old; so it is done for every use.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from credentials.did.identifier import DID
from credentials.errors import MalformedError
from credentials.status.entry import StatusEntry, entries_of
from credentials.vc.presentation import VerifiedPresentation


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldStatus:
    """Where the status of one credential is, and who alone can say it."""

    issuer: DID
    entry: StatusEntry

    def to_json(self) -> dict[str, Any]:
        """What is stored."""
        return {"issuer": self.issuer, "entry": self.entry.to_wire()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; only ever called on our own database."""
        entry = StatusEntry.parse(stored["entry"])
        if entry is None:
            raise MalformedError("a stored status says nothing")
        return cls(issuer=DID(stored["issuer"]), entry=entry)


class Standing(Protocol):
    """Whoever can look again; `node.verification.verifier.Verifier` does."""

    async def check_standing(self, statuses: Sequence[HeldStatus]) -> None:
        """Check again that credentials still stand.

        Raises:
            RevokedError: one was taken back.
            CredentialError: it can not be told.
        """
        ...


def statuses_of(presentations: Iterable[VerifiedPresentation]) -> tuple[HeldStatus, ...]:
    """Every status of every credential in ``presentations``, each once."""
    found = {
        HeldStatus(issuer=verified.credential.issuer, entry=entry): None
        for presentation in presentations
        for verified in presentation.credentials
        for entry in entries_of(verified.credential)
    }
    return tuple(found)
