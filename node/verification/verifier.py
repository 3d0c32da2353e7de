"""The one way to a verified message in this node: collect what it needs, fetch that side by side, decide.

::

    verified = await verifier.verify_presentation(signed, audience=issuer_url)

Whoever decides more than that (the token endpoint) takes the evidence and decides itself, in one go::

    evidence = await verifier.gather(signed)
    decided = await verifier.decide([signed], lambda: decide(…, evidence, …))

A message that costs milliseconds is decided beside the event loop. Fetching is bounded by what one message may need
(`credentials.vc.evidence`), by the clients that fetch, and by their memory.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

from credentials.did.identifier import DID
from credentials.errors import CredentialError
from credentials.keys import KeyId, PublicKey
from credentials.status.check import check_entry
from credentials.status.lists import StatusList, VerifiedStatusList
from credentials.status.verify import verify_status_list
from credentials.unavailable import Unavailable
from credentials.vc.credential import SignedCredential, VerifiedCredential
from credentials.vc.evidence import Evidence, Message, Needed
from credentials.vc.presentation import SignedPresentation, VerifiedPresentation
from credentials.vc.verify import verify_credential, verify_presentation
from credentials.x509.revocation import RevocationEvidence
from node.pki.revocation import Revocation
from node.ports import Clock, HttpClient
from node.verification.chain_memory import ChainMemory
from node.verification.key_standing import KeyStanding
from node.verification.off_loop import OffLoop
from node.verification.signature_memory import SignatureMemory
from node.verification.standing import HeldStatus
from node.verification.status_lists import StatusLists

MAX_SIGNED_ON_LOOP = 4
"""Signed JWT credentials that are verified on the event loop; each takes up to a millisecond."""

Value = TypeVar("Value")


class Resolver(Protocol):
    """Finds the keys of other parties; ``node.identity.resolver.DidResolver`` does."""

    async def keys(self, dids: Iterable[DID], *, wanted: Iterable[str] = ()) -> Mapping[KeyId, PublicKey]:
        """Return the assertion keys of all of ``dids``; raises `CredentialError` when one can not be resolved."""
        ...

    async def seen(self, did: DID, within: float) -> tuple[frozenset[KeyId], float]:
        """Return the keys published less than ``within`` seconds ago, and when that was; raises `CredentialError`."""
        ...


class Verifier:
    """Verifies what others send; implements ``registry.ports.Verifier``.

    Args:
        resolver: finds the keys of did:web parties.
        peers: reaches publishers of status lists.
        clock: decides what is current.
        revocation: knows which certificates were revoked or denied; without it those that name a revocation list are refused.
        signatures: remembers which signatures matched.
    """

    def __init__(
        self,
        *,
        resolver: Resolver,
        peers: HttpClient,
        clock: Clock,
        revocation: Revocation | None = None,
        signatures: SignatureMemory | None = None,
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._revocation = revocation
        self._keys_seen = KeyStanding(resolver.seen, clock)
        self._off_loop = OffLoop()
        self._lists_off_loop = OffLoop()  # a lane of their own: no stranger's messages stand before an issuer's list
        self._chains = ChainMemory()
        self.signatures = SignatureMemory() if signatures is None else signatures
        self.status_lists = StatusLists(peers, clock, self._verify_list)

    async def gather(self, *messages: Message) -> Evidence:
        """Fetch everything that ``messages`` need, side by side; what can not be had is said in the evidence.

        Raises:
            CredentialError: a message can not be read as far as that, or needs too much.
        """
        return await self._fetch([Needed.of(message, known=self._chains) for message in messages])

    async def verify_presentation(
        self,
        presentation: SignedPresentation,
        *,
        audience: str | None,
        max_lifetime: timedelta | None = None,
        at: datetime | None = None,
    ) -> VerifiedPresentation:
        """Verify one presentation; arguments and errors are those of `credentials.vc.verify.verify_presentation`.

        Args:
            presentation: as received.
            audience: as there.
            max_lifetime: as there.
            at: another moment than now, for whoever looks at what has been; nothing is granted on it.
        """
        evidence = await self.gather(presentation)
        return await self.decide(
            [presentation],
            lambda: verify_presentation(
                presentation,
                evidence,
                audience=audience,
                now=at or self._clock.now(),
                max_lifetime=max_lifetime,
                signatures=self.signatures,
            ),
        )

    async def verify_credential(
        self, credential: SignedCredential, *, at: datetime | None = None
    ) -> VerifiedCredential:
        """Verify one credential by itself; errors are those of `credentials.vc.verify.verify_credential`."""
        evidence = await self.gather(credential)
        return await self.decide(
            [credential],
            lambda: verify_credential(credential, evidence, now=at or self._clock.now(), signatures=self.signatures),
        )

    async def verify(
        self, presentations: Sequence[SignedPresentation], *, audience: str
    ) -> Sequence[VerifiedPresentation | CredentialError]:
        """Verify many, with one wait for all they need: for each the verified presentation, or why it is refused."""
        outcomes: dict[int, VerifiedPresentation | CredentialError] = {}
        needed: list[Needed] = []
        for index, presentation in enumerate(presentations):
            try:
                needed.append(Needed.of(presentation, known=self._chains))
            except CredentialError as error:
                outcomes[index] = error
            await asyncio.sleep(0)  # certificates of a stranger take milliseconds to read: others get a turn in between
        evidence = await self._fetch(needed)
        for index, presentation in enumerate(presentations):
            if index not in outcomes:
                outcomes[index] = await self._outcome(presentation, evidence, audience)
        return [outcomes[index] for index in range(len(presentations))]

    async def check_standing(self, statuses: Sequence[HeldStatus], kids: Sequence[KeyId] = ()) -> None:
        """Check again that credentials still stand, by where their statuses are, and keys, by whether they are published.

        Raises:
            RevokedError: one was taken back.
            CredentialError: it can not be told; another request may be luckier when it is `UnavailableError`.
        """
        if statuses:
            lists = await self.status_lists.get(each.entry.url for each in statuses)
            now = self._clock.now()
            for each in statuses:
                check_entry(each.entry, each.issuer, lists, now)
        if kids:
            await self._keys_seen.check(kids)

    async def decide(self, messages: Sequence[Message], decision: Callable[[], Value]) -> Value:
        """Make a decision on ``messages``, beside the event loop when they take long.

        Raises:
            OverloadedError: too many wait already.
            Exception: whatever the decision raised.
        """
        if any(map(_takes_long, messages)):
            lists = all(isinstance(message, StatusList) for message in messages)
            return await (self._lists_off_loop if lists else self._off_loop).run(decision)
        return decision()

    def close(self) -> None:
        """End the threads."""
        self._off_loop.close()
        self._lists_off_loop.close()
        self._keys_seen.close()

    async def _outcome(
        self, presentation: SignedPresentation, evidence: Evidence, audience: str
    ) -> VerifiedPresentation | CredentialError:
        try:
            return await self.decide(
                [presentation],
                partial(
                    verify_presentation,
                    presentation,
                    evidence,
                    audience=audience,
                    now=self._clock.now(),
                    signatures=self.signatures,
                ),
            )
        except CredentialError as error:
            return error

    async def _fetch(self, wanted: Sequence[Needed]) -> Evidence:
        needed = Needed()
        for each in wanted:
            needed |= each
        lists: Mapping[str, VerifiedStatusList | Unavailable] = {}
        if needed.status_lists:
            (keys, unresolved), lists = await asyncio.gather(
                self._keys(needed), self.status_lists.get(needed.status_lists)
            )
        else:  # mostly both are in memory: tasks for them would cost more than the answers
            keys, unresolved = await self._keys(needed)
        revocation = await self._revoked(needed)  # lists of authorities are asked for once in an hour
        return Evidence(
            keys=keys, unresolved=unresolved, status_lists=lists, chains=needed.chains, revocation=revocation
        )

    async def _revoked(self, needed: Needed) -> RevocationEvidence:
        if self._revocation is None:
            return RevocationEvidence()
        return await self._revocation.gather(needed.chains.values())

    async def _keys(self, needed: Needed) -> tuple[Mapping[KeyId, PublicKey], frozenset[DID]]:
        """Resolve each party by itself, so that one that is away stops nobody else."""
        dids = sorted(needed.dids)
        if len(dids) == 1:  # no tasks for what needs none
            keys = await self._keys_of(dids[0], needed.kids)
            return (keys or {}), frozenset(dids if keys is None else ())
        answers = await asyncio.gather(*(self._keys_of(did, needed.kids) for did in dids))
        found = {kid: key for keys in answers if keys is not None for kid, key in keys.items()}
        return found, frozenset(did for did, keys in zip(dids, answers, strict=True) if keys is None)

    async def _keys_of(self, did: DID, kids: frozenset[KeyId]) -> Mapping[KeyId, PublicKey] | None:
        try:
            return await self._resolver.keys([did], wanted=kids)
        except CredentialError:
            return None

    async def _verify_list(self, signed: StatusList, url: str) -> VerifiedStatusList:
        evidence = await self.gather(signed)
        return await self.decide(
            [signed], lambda: verify_status_list(signed, url=url, evidence=evidence, now=self._clock.now())
        )


def _takes_long(message: Message) -> bool:
    """Whether deciding on a message would keep others waiting: canonical JSON-LD, or many signatures."""
    if isinstance(message, SignedPresentation):
        signed = sum(each.jws is not None for each in message.credentials)
        return message.needs_canonicalising or signed > MAX_SIGNED_ON_LOOP
    return message.document is not None if isinstance(message, StatusList) else message.has_proof
