"""Whom to ask about a patient, and why the others are not asked.

As long as there is no national index in reach, the care team says who may hold data: its members that are organisations. Asked are
those who are registered for the use case and have an endpoint there. Nobody is left out without a reason, since a clinician has to
see who was not asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from registry.directory import Directory, Endpoint, FhirVersion, ura_key

NotAskedReason = Literal["own_organisation", "no_ura", "not_registered", "no_endpoint"]
"""Stable codes: it is ourselves; the care team has no number for it; it is not in the discovery service of the use case; it is, but
without an address that we can use."""

FoundBy = Literal["care_team", "named"]
"""How a holder was found: in the care team, or because the caller named it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An organisation that may hold data.

    Attributes:
        ura: its national number, None when the source has none.
        name: as the source has it.
    """

    ura: str | None
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An organisation to ask. The name is that of its certificate, else the source's."""

    ura: str
    name: str
    endpoint: Endpoint
    found_by: FoundBy


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAsked:
    """An organisation that is not asked, and why."""

    ura: str | None
    name: str
    reason: NotAskedReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Localisation:
    """Who is asked and who is not; every member once, in the order of the source."""

    asked: tuple[Asked, ...]
    not_asked: tuple[NotAsked, ...]


def localise(
    members: Iterable[Member],
    directory: Directory,
    *,
    service: str,
    versions: Sequence[FhirVersion],
    own_ura: str,
    found_by: FoundBy = "care_team",
) -> Localisation:
    """Choose whom to ask.

    Args:
        members: organisations that may hold data on the patient; who is named twice counts once.
        directory: who is registered.
        service: the discovery service of the use case.
        versions: FHIR versions that the use case can be asked in, best first.
        own_ura: ourselves, who are not asked over the network.
        found_by: where the members come from.
    """
    asked: list[Asked] = []
    not_asked: list[NotAsked] = []
    seen: set[str] = set()
    for member in members:
        # (1) with a number; without one there is nobody to look up
        if not member.ura:
            not_asked.append(NotAsked(ura=None, name=member.name, reason="no_ura"))
            continue
        # (2) each once
        key = ura_key(member.ura)
        if key in seen:
            continue
        seen.add(key)
        # (3) not ourselves
        if key == ura_key(own_ura):
            not_asked.append(NotAsked(ura=member.ura, name=member.name, reason="own_organisation"))
            continue
        # (4) registered for the use case
        organisation = directory.find(member.ura, service)
        if organisation is None:
            not_asked.append(NotAsked(ura=member.ura, name=member.name, reason="not_registered"))
            continue
        # (5) with an address
        choice = directory.choose(member.ura, service, versions)
        name = organisation.name or member.name
        if choice.endpoint is None:
            not_asked.append(NotAsked(ura=member.ura, name=name, reason="no_endpoint"))
            continue
        asked.append(Asked(ura=organisation.ura, name=name, endpoint=choice.endpoint, found_by=found_by))
    return Localisation(asked=tuple(asked), not_asked=tuple(not_asked))
