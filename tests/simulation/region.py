"""A service with its host, its mirrors, a few followers that are run in full, and N members who register and renew."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from credentials.did.identifier import DID
from credentials.errors import CredentialError
from credentials.keys import KeyId, PublicKey
from credentials.vc.credential import SignedCredential
from credentials.vc.evidence import Evidence, Needed
from credentials.vc.presentation import SignedPresentation, VerifiedPresentation
from credentials.vc.verify import verify_presentation
from registry.client import RegistryClient
from registry.errors import TransferError
from registry.host import RegistryHost
from registry.memory import MemoryStore
from registry.messages import registration_to_wire
from registry.ports import Clock, Registrant
from registry.registration import FreshValues, build_registration
from registry.schedule import refresh_at, retry_at
from registry.service import ServiceDefinition
from registry.transparency.hosting import LogHost
from registry.transparency.keys import LogKeys
from tests.simulation.network import Meter, SimulatedClock, Wire
from tests.support.builders import a_credential, an_id, keys_of
from tests.support.keys import a_did, a_key
from tests.support.logs import HOST_URL, Party, a_secret, url_of
from tests.support.registry import ENDPOINT, NOW, a_service
from tests.support.world import FixedEntropy

VALIDITY: Final = timedelta(days=3)
POLL: Final = timedelta(minutes=10)
PADDING: Final = "c" * 6_500
"""What makes a registration as long as one with a certificate chain: some 11 kB."""


@dataclass(slots=True)
class Documents:
    """A `registry.ports.Verifier` that has every DID document at hand."""

    clock: Clock
    keys: dict[DID, dict[KeyId, PublicKey]] = field(default_factory=dict)

    async def verify(
        self, presentations: Sequence[SignedPresentation], *, audience: str
    ) -> Sequence[VerifiedPresentation | CredentialError]:
        return [self._verify(each, audience) for each in presentations]

    def _verify(self, signed: SignedPresentation, audience: str) -> VerifiedPresentation | CredentialError:
        known = {kid: key for did in Needed.of(signed).dids for kid, key in self.keys[did].items()}
        try:
            return verify_presentation(signed, Evidence(keys=known), audience=audience, now=self.clock.now())
        except CredentialError as error:
            return error


@dataclass(slots=True)
class Member:
    """An organisation that registers."""

    name: str
    registrant: Registrant
    expires_at: datetime | None = None
    failures: int = 0
    renewals: int = 0


class Region:
    """Everybody."""

    def __init__(self, members: int, *, mirrors: int = 5, followers: int = 4, quorum: int = 0, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.clock = SimulatedClock()
        self.meter = Meter()
        self.wire = Wire(self.meter)
        self.documents = Documents(self.clock, {a_did("ministry"): keys_of("ministry")})
        keys = [LogKeys(secret=a_secret(f"mirror{number}"), url=url_of(number)) for number in range(mirrors)]
        self.service: ServiceDefinition = a_service(
            presentation_max_validity=int(VALIDITY.total_seconds()),
            log_key=str(LogKeys(secret=a_secret("host"), url=HOST_URL).log(a_service()).verifier),
            mirrors=[each.own_url("care") for each in keys],
            witnesses=[str(each.witness().verifier) for each in keys],
            witness_quorum=quorum,
        )
        self.host = self.a_party("host", HOST_URL, is_host=True)
        self.wire.parties[ENDPOINT] = ("host", self.host)
        self.mirrors = {f"mirror{number}": self.a_party(f"mirror{number}", url_of(number)) for number in range(mirrors)}
        for key, (name, party) in zip(keys, self.mirrors.items(), strict=True):
            self.wire.parties[key.own_url("care")] = (name, party)
        self.followers = {
            f"follower{number}": self.a_party(f"follower{number}", f"https://f{number}.example")
            for number in range(followers)
        }
        self.members = [self._member(f"m{number}") for number in range(members)]
        self.accepted_at: dict[int, datetime] = {}
        self.delays: list[timedelta] = []
        self.known_until: dict[str, int] = dict.fromkeys(self.followers, 0)
        self.alarms: dict[tuple[str, str], datetime] = {}  # name and kind to when it was first seen
        self.bytes_of_a_registration = 0

    def a_party(self, name: str, url: str, *, is_host: bool = False) -> Party:
        """Another node."""
        store, services = MemoryStore(), {"care": self.service}
        logs = LogHost(store, LogKeys(secret=a_secret(name), url=url), self.clock)
        host = RegistryHost(
            services if is_host else {},
            store=store,
            verifier=self.documents,
            clock=self.clock,
            entropy=FixedEntropy("host"),
        )
        client = RegistryClient(
            services,
            store=store,
            peers=self.wire.as_seen_by(name),
            verifier=self.documents,
            registrants=None,  # type: ignore[arg-type]  # members register by themselves here
            clock=self.clock,
            entropy=FixedEntropy(name),
            host=host,
            log_host=logs,
        )
        return Party(url=url, store=store, logs=logs, host=host, client=client)

    def _member(self, name: str) -> Member:
        did = a_did(name)
        self.documents.keys[did] = keys_of(name)
        credential = SignedCredential.parse(a_credential(name, now=NOW, seed=f"credential {name}"))
        registrant = Registrant(
            did=did, key=a_key(name), credentials=(credential,), authorization_server=f"https://{name}.example/oauth2/x"
        )
        return Member(name=name, registrant=registrant)

    def start(self, *, spread: timedelta) -> None:
        """Members register over ``spread``; mirrors and followers begin to poll, each at its own moment."""
        for member in self.members:
            self.clock.at(NOW + spread * self.chance.random(), lambda member=member: self._renew(member))  # type: ignore[misc]  # bound now
        for name, party in {**self.mirrors, **self.followers}.items():
            self._poll_at(NOW + POLL * self.chance.random(), name, party)

    def _poll_at(self, moment: datetime, name: str, party: Party) -> None:
        async def poll() -> None:
            with self.meter.working(name):
                try:
                    report = await party.client.follow("care")
                except TransferError:
                    report = None
            if report is not None and report.log is not None:
                for alarm in report.log.alarms:
                    self.alarms.setdefault((name, alarm.kind), self.clock.now())
                if name in self.known_until:
                    self._note(name, (await party.store.roll("care")).last)
            self._poll_at(self.clock.now() + POLL, name, party)

        self.clock.at(moment, poll)

    def _note(self, name: str, last: int) -> None:
        now = self.clock.now()
        for number in range(self.known_until[name] + 1, last + 1):
            if number in self.accepted_at:
                self.delays.append(now - self.accepted_at[number])
        self.known_until[name] = last

    async def _renew(self, member: Member) -> None:
        now = self.clock.now()
        member.renewals += 1
        fresh = FreshValues(
            presentation_uuid=an_id(f"{member.name} {member.renewals}"),
            credential_uuid=an_id(f"about {member.name} {member.renewals}"),
            nonce="n" * 43,
        )
        with self.meter.working("members"):
            message = build_registration(self.service, member.registrant, {"padding": PADDING}, now, fresh)
        self.bytes_of_a_registration = len(message.compact)
        try:
            await self.wire.post(ENDPOINT, registration_to_wire(message.compact))
        except TransferError:
            member.failures += 1
            due = retry_at(now, member.failures, jitter=self.chance.random())
        else:
            member.failures, member.expires_at = 0, message.expires_at
            cursor = await self.host.store.cursor("care")
            assert cursor is not None
            self.accepted_at[cursor.timestamp] = now
            due = refresh_at(now, message.expires_at, jitter=self.chance.random())
        self.clock.at(due, lambda: self._renew(member))

    async def known(self, party: Party) -> int:
        """How many members one finds."""
        found = await party.store.search("care", (), self.clock.now(), limit=1_000_000)
        return len(found)
