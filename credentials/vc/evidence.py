"""What it takes to verify, and what was found: the two sides of the one wait between parsing and deciding.

`Needed` is read off unverified messages, so every name in it is a stranger's choice, and whoever fetches limits where to and how
much. `Evidence` is the answer. Something that could not be had is said to be so, and deciding what that means is left to the checks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Self

from credentials.did.identifier import DID, did_method
from credentials.errors import MalformedError
from credentials.keys import KeyId, PublicKey
from credentials.status.check import STATUS_GRACE, StatusLists
from credentials.status.entry import entries_of
from credentials.vc.credential import SignedCredential
from credentials.vc.presentation import SignedPresentation

MAX_STATUS_LISTS: Final = 32
"""Status lists that one message may need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What has to be fetched before a message can be verified.

    Attributes:
        dids: did:web parties whose documents are needed. Other methods bring their keys along.
        kids: keys that are said to have signed; a document in memory that lacks one is worth fetching again.
        status_lists: addresses of status lists, and who has to have signed each; one that two issuers claim has both.
    """

    dids: frozenset[DID]
    kids: frozenset[KeyId]
    status_lists: Mapping[str, frozenset[DID]]

    @classmethod
    def of(cls, *messages: SignedPresentation | SignedCredential) -> Self:
        """Collect what it takes to verify all of ``messages``.

        Raises:
            MalformedError: a status entry can not be read, or too many lists are needed.
            UntrustedError: a kind of status that can not be looked up.
        """
        dids: set[DID] = set()
        kids: set[KeyId] = set()
        lists: dict[str, frozenset[DID]] = {}
        for message in messages:
            if isinstance(message, SignedPresentation):
                dids.add(message.holder)
                kids.add(message.kid)
            for credential in _credentials(message):
                for entry in entries_of(credential):
                    lists[entry.url] = lists.get(entry.url, frozenset()) | {credential.issuer}
                if not credential.is_self_attested:
                    dids.add(credential.issuer)
                if credential.jws is not None and credential.jws.kid is not None:
                    kids.add(KeyId(credential.jws.kid))
        if len(lists) > MAX_STATUS_LISTS:
            raise MalformedError(f"more than {MAX_STATUS_LISTS} status lists in one message")
        return cls(
            dids=frozenset(did for did in dids if did_method(did) == "web"),
            kids=frozenset(kids),
            status_lists=lists,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found.

    Attributes:
        keys: keys under ``assertionMethod`` of the documents of `Needed.dids`, by key id.
        unresolved: parties whose document could not be had; what they signed may be accepted another time.
        status_lists: by address.
        status_grace: how old a status list may be when no newer one can be had.
    """

    keys: Mapping[KeyId, PublicKey]
    unresolved: frozenset[DID] = frozenset()
    status_lists: StatusLists = field(default_factory=dict)
    status_grace: timedelta = STATUS_GRACE


def _credentials(message: SignedPresentation | SignedCredential) -> Iterable[SignedCredential]:
    return message.credentials if isinstance(message, SignedPresentation) else (message,)
