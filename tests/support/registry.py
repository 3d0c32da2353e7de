"""Discovery in one process: services, participants, hosts that lie, and documents that are out of reach.

>>> peers = SimulatedPeers(); peers.hosts[service.endpoint] = RegistryHost(…)
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from credentials.did.identifier import DID
from credentials.errors import CredentialError
from credentials.keys import KeyId, PublicKey
from credentials.status.lists import VerifiedStatusList
from credentials.vc.credential import NUTS_CONTEXT, SignedCredential
from credentials.vc.evidence import Evidence, Needed
from credentials.vc.issue import self_attested
from credentials.vc.presentation import RETRACTION_TYPE, SignedPresentation, VerifiedPresentation
from credentials.vc.verify import verify_presentation
from registry.admission import Admission, admit
from registry.entry import Entry
from registry.errors import RejectedError, TransferError
from registry.host import RegistryHost
from registry.messages import parse_registration
from registry.ports import Candidate, Clock, Registrant
from registry.service import ServiceDefinition
from tests.support.builders import a_credential, a_presentation, an_id, keys_of
from tests.support.keys import a_did, a_key
from tests.support.world import ManualClock

NOW = datetime.fromisoformat("2026-11-22T12:00:00+00:00")
VALIDITY = timedelta(hours=10)
ENDPOINT = "https://region.example/discovery/care"

_TEXT = {"type": "string"}


def a_service(**changes: Any) -> ServiceDefinition:
    """A service that asks for an ExampleCredential with a role, and for the registration parameters."""
    wire: dict[str, Any] = {
        "id": "care",
        "endpoint": ENDPOINT,
        "presentation_max_validity": int(VALIDITY.total_seconds()),
        "presentation_definition": {
            "id": "pd_care",
            "input_descriptors": [
                {
                    "id": "example",
                    "constraints": {
                        "fields": [
                            {"path": ["$.type"], "filter": {"type": "string", "const": "ExampleCredential"}},
                            {"id": "role", "path": ["$.credentialSubject[0].role"], "filter": _TEXT},
                        ]
                    },
                },
                {
                    "id": "parameters",
                    "constraints": {
                        "fields": [
                            {
                                "path": ["$.type"],
                                "filter": {"type": "string", "const": "DiscoveryRegistrationCredential"},
                            },
                            {"id": "auth_server_url", "path": ["$.credentialSubject.authServerURL"], "filter": _TEXT},
                        ]
                    },
                },
            ],
        },
        **changes,
    }
    return ServiceDefinition.parse(json.dumps(wire).encode())


def an_authorization_server(name: str) -> str:
    return f"https://{name}.example/oauth2/{name}"


def about_itself(name: str, now: datetime = NOW, **parameters: Any) -> dict[str, Any]:
    """The self-attested registration credential."""
    return self_attested(
        holder=a_did(name),
        types=("DiscoveryRegistrationCredential",),
        subject={"authServerURL": an_authorization_server(name)} | parameters,
        credential_id=an_id(f"parameters {name}"),
        now=now - timedelta(seconds=1),
        contexts=(NUTS_CONTEXT,),
    )


def a_registration(
    name: str,
    seed: str = "1",
    *,
    now: datetime = NOW,
    lifetime: timedelta = VALIDITY,
    audience: str = "care",
    credentials: Sequence[Any] | None = None,
    **rest: Any,
) -> str:
    """A registration as it is posted."""
    if credentials is None:
        credentials = [a_credential(name, now=now), about_itself(name, now)]
    return a_presentation(
        name, credentials=credentials, audience=audience, now=now, lifetime=lifetime, seed=f"{name} {seed}", **rest
    )


def a_withdrawal(
    name: str, retracts: str, seed: str = "w", *, now: datetime = NOW, lifetime: timedelta = VALIDITY, **rest: Any
) -> str:
    """A withdrawal as it is posted."""
    return a_presentation(
        name,
        credentials=[],
        audience="care",
        now=now,
        lifetime=lifetime,
        seed=f"{name} {seed}",
        extra_types=(RETRACTION_TYPE,),
        extra_claims={"retract_jti": retracts},
        **rest,
    )


def id_of(name: str, seed: str = "1") -> str:
    """The id of what `a_registration` makes."""
    return f"{a_did(name)}#{an_id(f'{name} {seed}')}"


def decision(
    compact: str, *, service: ServiceDefinition | None = None, now: datetime = NOW, **options: Any
) -> Callable[[Entry | None, Any], Admission]:
    """What the host or a follower decides on this message, verified with the keys of everybody we know."""
    signed = SignedPresentation.parse(compact)
    service = service or a_service()
    verified = verify_presentation(signed, Evidence(keys=SimulatedDocuments().everything), audience=service.id, now=now)
    return lambda current, seen: admit(verified, service, now, current=current, seen_ids=seen, **options)


def a_candidate(timestamp: int, compact: str, **rest: Any) -> Candidate:
    """An entry of a followed log, verified."""
    return Candidate(
        timestamp=timestamp,
        holder=SignedPresentation.parse(compact).holder,
        decide=decision(compact, source="log", **rest),
    )


@dataclass(slots=True)
class SimulatedDocuments:
    """A `Verifier` for the parties of the tests, with their documents at hand.

    Attributes:
        clock: decides what is current.
        away: names of parties whose documents can't be had.
        asked: every set of DIDs that was asked for.
        status_lists: by address; others can't be had.
    """

    clock: Clock = field(default_factory=lambda: ManualClock(NOW))
    away: set[str] = field(default_factory=set)
    asked: list[frozenset[DID]] = field(default_factory=list)
    status_lists: dict[str, VerifiedStatusList] = field(default_factory=dict)

    NAMES = ("oever", "gouwe", "linde", "wending", "hofstede", "ministry")

    @property
    def everything(self) -> dict[KeyId, PublicKey]:
        return keys_of(*self.NAMES)

    async def verify(
        self, presentations: Sequence[SignedPresentation], *, audience: str
    ) -> Sequence[VerifiedPresentation | CredentialError]:
        needed = Needed()
        for each in presentations:
            needed |= Needed.of(each)
        self.asked.append(needed.dids)
        there = {a_did(name): name for name in self.NAMES if name not in self.away}
        evidence = Evidence(
            keys=keys_of(*(there[did] for did in needed.dids if did in there)),
            unresolved=frozenset(needed.dids - there.keys()),
            status_lists=self.status_lists,
        )
        return [self._verify(each, evidence, audience) for each in presentations]

    def _verify(
        self, signed: SignedPresentation, evidence: Evidence, audience: str
    ) -> VerifiedPresentation | CredentialError:
        try:
            return verify_presentation(signed, evidence, audience=audience, now=self.clock.now())
        except CredentialError as error:
            return error


@dataclass(slots=True)
class SimulatedPeers:
    """Other hosts, by endpoint.

    Attributes:
        hosts: discovery hosts that behave.
        replies: bodies that are given instead, in order; the last one is repeated.
        away: endpoints that can't be reached.
        calls: method and URL of every call.
    """

    hosts: dict[str, RegistryHost] = field(default_factory=dict)
    replies: dict[str, list[bytes]] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    calls: list[tuple[str, str]] = field(default_factory=list)

    async def get(self, url: str, *, max_bytes: int) -> bytes:
        endpoint, _, query = url.partition("?")
        self._call("GET", url, endpoint)
        if endpoint in self.replies:
            waiting = self.replies[endpoint]
            return waiting.pop(0) if len(waiting) > 1 else waiting[0]
        page = await self.hosts[endpoint].page(endpoint.rpartition("/")[2], int(query.removeprefix("timestamp=")))
        body = page.to_wire()
        assert len(body) <= max_bytes
        return body

    async def post(self, url: str, body: bytes) -> None:
        self._call("POST", url, url)
        try:
            await self.hosts[url].accept(url.rpartition("/")[2], parse_registration(body))
        except RejectedError as error:
            raise TransferError(f"{url}: 400", 400) from error

    def _call(self, method: str, url: str, endpoint: str) -> None:
        self.calls.append((method, url))
        if endpoint in self.away:
            raise TransferError(f"{endpoint}: unreachable")


@dataclass(slots=True)
class SimulatedRegistrants:
    """Our own organisations, by name; each holds an ExampleCredential unless told otherwise."""

    names: tuple[str, ...] = ("oever",)
    wallets: dict[str, Sequence[SignedCredential]] = field(default_factory=dict)

    async def registrant(self, did: DID) -> Registrant:
        for name in self.names:
            if a_did(name) == did:
                wallet = self.wallets.get(name, [SignedCredential.parse(a_credential(name, now=NOW))])
                return Registrant(
                    did=did,
                    key=a_key(name),
                    credentials=tuple(wallet),
                    authorization_server=an_authorization_server(name),
                )
        raise RejectedError("unknown_holder", "not an organisation of this node")
