"""Does what was granted before still stand: the status of the credentials it rests on, looked at again.

A grant keeps where the statuses of its credentials are, not the credentials, and which keys signed (``key_standing.py``). Looking
again costs microseconds while lists and documents are in memory, and a fetch when they have grown old; so it is done for every use.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from credentials.did.identifier import DID
from credentials.errors import MalformedError
from credentials.keys import KeyId
from credentials.status.entry import StatusEntry, entries_of
from credentials.vc.presentation import SignedPresentation, VerifiedPresentation


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

    async def check_standing(self, statuses: Sequence[HeldStatus], kids: Sequence[KeyId] = ()) -> None:
        """Check again that credentials still stand, and that the keys which signed are still published.

        Raises:
            RevokedError: one was taken back.
            CredentialError: it can not be told.
        """
        ...


def statuses_of(presentations: Iterable[VerifiedPresentation]) -> tuple[HeldStatus, ...]:
    """Every status of every credential in ``presentations``, each once."""
    return tuple(dict.fromkeys(held for each in presentations for held in statuses_in(each.presentation)))


def statuses_in(presentation: SignedPresentation) -> tuple[HeldStatus, ...]:
    """Where the statuses of its credentials are; for a presentation that was verified before.

    Raises:
        CredentialError: one can not be read.
    """
    return tuple(
        HeldStatus(issuer=credential.issuer, entry=entry)
        for credential in presentation.credentials
        for entry in entries_of(credential)
    )
