"""What our own FHIR server says about a citizen: which records are theirs, and who takes part in their care.

The holder decides on these facts, the asker localises by them (LANDSCAPE §6.6). They are asked with the node's own access, kept
in memory only and for a short time (``limits.facts_ms``, at most 15 minutes), and never guessed: a server that can not answer, or
answers in more pages than we read, is an error, and the answer to the peer is then no. Citizens' numbers are in the keys of this
memory, so it is bounded and never written or logged.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TypeVar, cast

from node.exchange.careteam import CareTeams, Member, Need, learn, members_of, next_links, read_care_teams
from node.exchange.identity import citizens_in
from node.exchange.references import Bases, page_link
from node.exchange.referral import RESOURCE_TYPE, read_referrals
from node.exchange.response import AnswerError
from node.identity.single_flight import SingleFlight
from node.ports import Clock, HttpClient, HttpRequest, HttpResponse, PeerError
from node.usecases.identifiers import BSN_SYSTEM, is_fhir_id
from node.usecases.model import FhirVersion
from node.usecases.plan import FORM_TYPE, FhirRequest

MAX_PAGES = 5
"""Pages of care teams of one record that are read."""

MAX_FACTS = 10_000
"""Facts in memory; the oldest goes first."""

MAX_FACT_BYTES = 8_388_608
FHIR_JSON = "application/fhir+json"

Fact = TypeVar("Fact")


class FactsUnavailableError(Exception):
    """Our own FHIR server could not say; nothing may be decided in anybody's favour.

    Attributes:
        code: stable reason for our operator.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"our own FHIR server could not answer: {code}")
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnServer:
    """One of our FHIR servers: its base URL without trailing slash, and the names under which it calls itself."""

    version: FhirVersion
    url: str
    known_as: tuple[str, ...] = ()

    @property
    def bases(self) -> Bases:
        """Addresses under which the server is known."""
        return Bases.of([self.url, *self.known_as])


class OwnRecords:
    """Asks our own FHIR servers.

    Args:
        own: the client that may call them.
        servers: by FHIR version.
        clock: for the age of facts.
        keep: seconds that a fact is remembered.
        timeout: seconds for one call.
    """

    def __init__(
        self, own: HttpClient, servers: Mapping[FhirVersion, OwnServer], clock: Clock, *, keep: float, timeout: float
    ) -> None:
        self._own = own
        self._servers = servers
        self._clock = clock
        self._keep = keep
        self._timeout = timeout
        self._known: OrderedDict[Hashable, tuple[float, object]] = OrderedDict()
        self._flights: SingleFlight[Hashable, object] = SingleFlight()

    @property
    def versions(self) -> tuple[FhirVersion, ...]:
        """FHIR versions that we have a server for."""
        return tuple(self._servers)

    async def records_of(self, version: FhirVersion, bsn: str) -> frozenset[str]:
        """Return the logical ids of every record that carries exactly this one BSN; empty when nobody's does.

        Raises:
            FactsUnavailableError: the server could not say.
        """

        async def ask() -> frozenset[str]:
            request = FhirRequest(method="POST", path="Patient/_search", form=(("identifier", f"{BSN_SYSTEM}|{bsn}"),))
            body = _ok(await self._send(version, request))
            if _believe(lambda: next_links(body)):
                # A server that ignores the number: ours may be on any page.
                raise FactsUnavailableError("too_many_patients")
            found = _believe(lambda: citizens_in(body, fhir_version=version))
            for patient, number in found.items():
                self._keep_fact(("citizen", version, patient), number)  # the next question is about this record
            return frozenset(patient for patient, number in found.items() if number == bsn)

        return await self._remembered(("records", version, bsn), ask)

    async def citizen_of(self, version: FhirVersion, patient: str) -> str | None:
        """Return the BSN of the record with this logical id; ``None`` when there is no such record, or it is nobody's.

        Raises:
            FactsUnavailableError: the server could not say.
        """
        if not is_fhir_id(patient):
            return None

        async def ask() -> str | None:
            answer = await self._send(version, FhirRequest(method="GET", path=f"Patient/{patient}"))
            if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                return None
            body = _ok(answer)
            return _believe(lambda: citizens_in(body, fhir_version=version)).get(patient)

        return await self._remembered(("citizen", version, patient), ask)

    async def care_team(self, version: FhirVersion, records: frozenset[str]) -> tuple[Member, ...]:
        """Return the organisations in the active care teams of these records.

        Raises:
            FactsUnavailableError: the server could not say.
        """
        return await self._organisations(version, records, "CareTeam", read_care_teams)

    async def referred_to(self, version: FhirVersion, records: frozenset[str]) -> tuple[Member, ...]:
        """Return the organisations to which running referrals of these records lead.

        Raises:
            FactsUnavailableError: the server could not say.
        """
        return await self._organisations(version, records, RESOURCE_TYPE[version], read_referrals)

    async def _organisations(
        self, version: FhirVersion, records: frozenset[str], name: str, read: Callable[..., CareTeams]
    ) -> tuple[Member, ...]:
        async def ask() -> tuple[Member, ...]:
            bases = self._servers[version].bases
            bodies: list[bytes] = []
            for record in sorted(records):
                query = (("patient", record), ("status", "active"))
                link: str | None = FhirRequest(method="GET", path=name, query=query).target
                pages = 0
                while link is not None:
                    if pages == MAX_PAGES:
                        raise FactsUnavailableError("too_many_pages")  # half a care team is none
                    body = _ok(await self._get(version, link))
                    bodies.append(body)
                    pages += 1
                    link = _next(body, bases)
            now = self._clock.now()
            found = _believe(lambda: read(bodies, fhir_version=version, patient_ids=records, bases=bases, now=now))
            for _ in range(2):  # a role first, then the organisation it leads to
                if not found.needs:
                    break
                found = _believe(partial(learn, found, await self._read_all(version, found.needs)))
            return members_of(found)

        return await self._remembered((name, version, records), ask)

    def forget_expired(self) -> None:
        """Drop what is too old; called now and then, so that nothing outlives its time because nobody asks."""
        now = self._clock.monotonic()
        while self._known and next(iter(self._known.values()))[0] <= now:
            self._known.popitem(last=False)

    async def _read_all(self, version: FhirVersion, needs: frozenset[Need]) -> Mapping[Need, bytes]:
        async def read(need: Need) -> tuple[Need, bytes]:
            answer = await self._send(version, FhirRequest(method="GET", path=f"{need[0]}/{need[1]}"))
            return need, b"" if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE) else _ok(answer)

        return dict(await asyncio.gather(*(read(need) for need in sorted(needs))))

    async def _send(self, version: FhirVersion, request: FhirRequest) -> HttpResponse:
        headers = {"Accept": FHIR_JSON}
        if request.body is not None:
            headers["Content-Type"] = FORM_TYPE
        return await self._call(version, request.method, request.target, headers, request.body)

    async def _get(self, version: FhirVersion, link: str) -> HttpResponse:
        return await self._call(version, "GET", link, {"Accept": FHIR_JSON}, None)

    async def _call(
        self, version: FhirVersion, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> HttpResponse:
        url = f"{self._servers[version].url}{'' if target.startswith('?') else '/'}{target}"
        try:
            return await self._own.send(
                HttpRequest(
                    method=method, url=url, headers=headers, body=body, max_bytes=MAX_FACT_BYTES, timeout=self._timeout
                )
            )
        except PeerError as error:
            raise FactsUnavailableError(error.code) from error

    async def _remembered(self, key: Hashable, ask: Callable[[], Awaitable[Fact]]) -> Fact:
        known = self._known.get(key)
        if known is not None and self._clock.monotonic() < known[0]:
            return cast("Fact", known[1])

        async def learn_it() -> object:
            fact = await ask()
            self._keep_fact(key, fact)
            return fact

        return cast("Fact", await self._flights.run(key, learn_it))

    def _keep_fact(self, key: Hashable, fact: object) -> None:
        self._known[key] = (self._clock.monotonic() + self._keep, fact)
        self._known.move_to_end(key)
        while len(self._known) > MAX_FACTS:
            self._known.popitem(last=False)


def _ok(answer: HttpResponse) -> bytes:
    if answer.status != HTTPStatus.OK:
        raise FactsUnavailableError(f"status_{answer.status}")
    return answer.body


def _believe(read: Callable[[], Fact]) -> Fact:
    try:
        return read()
    except AnswerError as error:
        raise FactsUnavailableError(error.code) from error


def _next(body: bytes, bases: Bases) -> str | None:
    """Return the link to the next page of care teams, ``None`` on the last."""
    links = _believe(lambda: next_links(body))
    if not links:
        return None
    relative = page_link(links[0], bases)
    if relative is None or len(links) > 1:
        raise FactsUnavailableError("foreign_link")
    return relative
