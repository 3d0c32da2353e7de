"""What it takes to verify, and what was found: the two sides of the one wait between parsing and deciding.

`Needed` is read off unverified messages, so every name in it is a stranger's choice, and whoever fetches limits where to and how
much. `Evidence` is the answer. Something that could not be had is said to be so, and deciding what that means is left to the checks.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Protocol, Self

from credentials.did.did_x509 import CertificateChain, X509Identifier, is_x509_did
from credentials.did.identifier import DID, did_method
from credentials.errors import UntrustedError
from credentials.jsonld.proof import Proof
from credentials.jws import SignedJWS
from credentials.keys import KeyId, PublicKey
from credentials.status.check import STATUS_GRACE, StatusLists
from credentials.status.entry import entries_of
from credentials.status.lists import StatusList
from credentials.vc.credential import SignedCredential
from credentials.vc.presentation import SignedPresentation
from credentials.x509.chain_building import ReadingBudget
from credentials.x509.revocation import RevocationEvidence

MAX_DIDS: Final = 16
"""Parties whose documents one message may need."""
MAX_STATUS_LISTS: Final = 16
"""Status lists that one message may need."""
MAX_CHAINS: Final = 8
"""Chains of certificates that one message may bring."""

Message = SignedPresentation | SignedCredential | StatusList


class ChainMemory(Protocol):
    """Remembers chains of certificates as they were read, by a digest of issuer and ``x5c``; a plain ``dict`` will do.

    A chain in it is no more believed than one that was just read: dates, revocation and policies are checked every time. The
    implementation bounds its size.
    """

    def get(self, digest: bytes, /) -> CertificateChain | None:
        """Return the chain behind this SHA-256 digest."""

    def __setitem__(self, digest: bytes, chain: CertificateChain, /) -> None:
        """Remember it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What has to be fetched before messages can be verified.

    Attributes:
        dids: did:web parties whose documents are needed. Other methods bring their keys along.
        kids: keys that are said to have signed; a document in memory that lacks one is worth fetching again.
        status_lists: addresses of status lists.
        chains: certificates of did:x509 issuers, by the JWT they came with: their issuers may have taken them back.
    """

    dids: frozenset[DID] = frozenset()
    kids: frozenset[KeyId] = frozenset()
    status_lists: frozenset[str] = frozenset()
    chains: Mapping[str, CertificateChain] = field(default_factory=dict)

    @classmethod
    def of(cls, message: Message, *, known: ChainMemory | None = None) -> Self:
        """Collect what it takes to verify one message.

        Args:
            message: read, nothing of it believed.
            known: chains that were read before; without it each is read.

        Raises:
            MalformedError: certificates or a status entry can not be read.
            UntrustedError: certificates that are not one chain, a kind of status that can not be looked up, or too much is needed.
        """
        dids: set[DID] = set()
        kids: set[KeyId] = set()
        lists: set[str] = set()
        chains: dict[str, CertificateChain] = {}
        budget = ReadingBudget()  # one for all chains of the message

        def note(issuer: DID, secured: SignedJWS | Proof) -> None:
            if did_method(issuer) == "web":
                dids.add(issuer)
            if isinstance(secured, Proof):
                kids.add(secured.verification_method)
            else:
                kids.add(KeyId(secured.kid or ""))
                if is_x509_did(issuer) and "x5c" in secured.header and secured.compact not in chains:
                    if len(chains) == MAX_CHAINS:
                        raise UntrustedError(f"more than {MAX_CHAINS} chains of certificates in one message")
                    chains[secured.compact] = _chain(issuer, secured.header["x5c"], budget, known)

        if isinstance(message, SignedPresentation):
            note(message.holder, message.secured)
        elif isinstance(message, StatusList):
            note(message.issuer, message.secured)
        for credential in _credentials(message):
            lists.update(entry.url for entry in entries_of(credential))
            secured = credential.jws or credential.proof
            if secured is not None:
                note(credential.issuer, secured)
        if len(dids) > MAX_DIDS:
            raise UntrustedError(f"more than {MAX_DIDS} DIDs in one message")
        if len(lists) > MAX_STATUS_LISTS:
            raise UntrustedError(f"more than {MAX_STATUS_LISTS} status lists in one message")
        return cls(dids=frozenset(dids), kids=frozenset(kids), status_lists=frozenset(lists), chains=chains)

    def __or__(self, other: Self) -> Self:
        """What both need together."""
        return type(self)(
            dids=self.dids | other.dids,
            kids=self.kids | other.kids,
            status_lists=self.status_lists | other.status_lists,
            chains={**self.chains, **other.chains},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What was found.

    Attributes:
        keys: keys under ``assertionMethod`` of the documents of `Needed.dids`, by key id.
        unresolved: parties whose document could not be had; what they signed may be accepted another time.
        status_lists: by address.
        status_grace: how old a status list may be when no newer one can be had.
        chains: as read for `Needed`, so that they are not read again.
        revocation: what is known of these chains; by default nothing, which refuses whoever names a revocation list.
    """

    keys: Mapping[KeyId, PublicKey]
    unresolved: frozenset[DID] = frozenset()
    status_lists: StatusLists = field(default_factory=dict)
    status_grace: timedelta = STATUS_GRACE
    chains: Mapping[str, CertificateChain] = field(default_factory=dict)
    revocation: RevocationEvidence = field(default_factory=RevocationEvidence)


def _chain(issuer: DID, x5c: Any, budget: ReadingBudget, known: ChainMemory | None) -> CertificateChain:
    """Read a chain, or find it among those that were read: the same texts for the same issuer are the same chain."""
    digest = None
    if known is not None and isinstance(x5c, list) and all(isinstance(each, str) for each in x5c):
        digest = hashlib.sha256("\n".join((issuer, *x5c)).encode("utf-8", "replace")).digest()
        found = known.get(digest)
        if found is not None:
            return found
    chain = X509Identifier.parse(issuer).chain_in(x5c, budget=budget)
    if known is not None and digest is not None:
        known[digest] = chain
    return chain


def _credentials(message: Message) -> Iterable[SignedCredential]:
    if isinstance(message, SignedPresentation):
        return message.credentials
    return (message,) if isinstance(message, SignedCredential) else ()
