"""One question: where to ask an organisation something, in order, and why each address was chosen or passed over.

Two sources: registrations at the use case's discovery service, whose organisation is proven by its certificate, come first; then the
Endpoints of the organisation in the care services directory. An address that kept failing is left alone for a while and goes behind the
others (its circuit breaker is that of all questions). Nothing is asked of anybody to answer this.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from node.directory.finding import Finder
from node.directory.rounds import Rounds
from node.ports import Clock
from registry.directory import Directory, FhirVersion, ura_key
from registry.mcsd.ownership import URA_SYSTEM
from registry.mcsd.query import MAX_COUNT, Search
from registry.mcsd.selecting import select_endpoints

State = Literal["chosen", "next", "left_alone", "passed_over"]
FHIR_VERSIONS: Final[tuple[FhirVersion, ...]] = ("r4", "stu3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An address that was considered.

    Attributes:
        address: FHIR base URL; None when the source gives none that can be used.
        found_by: ``discovery`` or ``directory``.
        state: ``chosen`` for the first, ``next`` for those behind it.
        code: why, stable.
        reason: why, for people.
    """

    address: str | None
    fhir_version: FhirVersion | None
    authorization_server: str | None
    found_by: Literal["discovery", "directory"]
    state: State
    code: str
    reason: str


class Endpoints:
    """Answers the question for the rest of the node."""

    def __init__(
        self,
        finder: Finder,
        rounds: Rounds,
        clock: Clock,
        *,
        registered: Callable[[], Directory],
        is_away: Callable[[str], bool],
    ) -> None:
        self._finder = finder
        self._rounds = rounds
        self._clock = clock
        self._registered = registered
        self._is_away = is_away

    async def of(
        self, ura: str, service: str, payloads: frozenset[str], versions: Sequence[FhirVersion] = FHIR_VERSIONS
    ) -> tuple[Place, ...]:
        """Where to ask, in order; those that are passed over come last.

        Args:
            ura: whom.
            service: discovery service of the use case.
            payloads: names of the use case, as payload types have them.
            versions: FHIR versions that we can use, best first.
        """
        found = [*self._from_discovery(ura, service, versions), *await self._from_directory(ura, payloads, versions)]
        # (1) the same address once, as the better source has it
        seen: set[str] = set()
        places = [self._judged(each, seen) for each in found]
        # (2) who answers before who is left alone; an address that is left alone is better than none
        order: dict[State, int] = {"chosen": 0, "next": 0, "left_alone": 1, "passed_over": 2}
        places.sort(key=lambda each: order[each.state])
        if places and places[0].state == "next":
            places[0] = replace(places[0], state="chosen")
        return tuple(places)

    def _judged(self, place: Place, seen: set[str]) -> Place:
        if place.state != "next" or place.address is None:
            return place
        if place.address in seen:
            return replace(place, state="passed_over", code="found_before", reason="the same address, found before")
        seen.add(place.address)
        if self._is_away(place.address):
            reason = "it kept failing, and is left alone for some seconds"
            return replace(place, state="left_alone", code="circuit_open", reason=reason)
        return place

    def _from_discovery(self, ura: str, service: str, versions: Sequence[FhirVersion]) -> list[Place]:
        choice = self._registered().choose(ura, service, versions)
        found = []
        for each in choice.considered:
            chosen = choice.endpoint if each.outcome == "chosen" else None
            found.append(
                Place(
                    address=None if chosen is None else chosen.fhir_base,
                    fhir_version=None if chosen is None else chosen.fhir_version,
                    authorization_server=None if chosen is None else chosen.authorization_server,
                    found_by="discovery",
                    state="passed_over" if chosen is None else "next",
                    code=each.outcome,
                    reason=each.reason,
                )
            )
        return found

    async def _from_directory(self, ura: str, payloads: frozenset[str], versions: Sequence[FhirVersion]) -> list[Place]:
        if not self._rounds.is_ready:
            return []
        number = ura_key(ura)
        pairs = [("organization.identifier", f"{URA_SYSTEM}|{number}"), ("_count", str(MAX_COUNT))]
        managed = await self._finder.search(Search.parse("Endpoint", pairs))
        named = await self._finder.search(
            Search.parse(
                "Organization", [("identifier", f"{URA_SYSTEM}|{number}"), ("_include", "Organization:endpoint")]
            )
        )
        resources = {each.id: each.text for each in (*managed.matches, *named.included)}
        selected = select_endpoints(
            [json.loads(text) for text in resources.values()],
            payloads=payloads,
            versions=versions,
            now=self._clock.now(),
        )
        return [
            Place(
                address=each.address or None,
                fhir_version=each.fhir_version,
                authorization_server=each.authorization_server,
                found_by="directory",
                state="next" if each.outcome == "usable" else "passed_over",
                code=each.outcome,
                reason=each.reason,
            )
            for each in selected
        ]
