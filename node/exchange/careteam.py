"""From care teams to the organisations that take part in someone's care (LANDSCAPE.md §6.6).

The holder asks its own server for a legal basis, the asker asks its own for whom to ask; both mean this code. Counted are
members of active CareTeams of our patient that are Organizations, PractitionerRoles (R4) of one, or act on behalf of one;
by the URA in the reference's identifier, else in the resource that the reference names. Members without one lend nothing.

Collect, fetch, decide: ``read_care_teams`` says what else it needs, the caller reads that, ``members_of`` answers (two rounds at
most: a role, then its organisation; what can't be read is left out of the mapping's bodies as ``b""``)::

    teams = read_care_teams(bodies, …)
    while teams.needs:
        teams = learn(teams, {need: body for need in teams.needs …})
    members = members_of(teams)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from node.exchange.references import Bases, Reference, read_reference
from node.exchange.response import MAX_ENTRIES, MAX_PAGE_BYTES, BrokenAnswerError, MismatchError
from node.exchange.shapes import Identifier, ReferenceShape
from node.usecases.identifiers import URA_SYSTEMS, normal_ura
from node.usecases.model import FhirVersion

MAX_NEEDS = 100
"""Resources that one patient's care teams may make us read."""

Need = tuple[str, str]
"""Resource type and logical id on the own server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An organisation that takes part in the patient's care.

    Attributes:
        ura: eight digits.
        name: as the care team or the organisation's own record says it; may be empty.
    """

    ura: str
    name: str


class Period(msgspec.Struct, frozen=True):
    """A FHIR Period, as text."""

    start: str | None = None
    end: str | None = None


class _Participant(msgspec.Struct, frozen=True):
    member: ReferenceShape | None = None
    onBehalfOf: ReferenceShape | None = None  # noqa: N815  # FHIR's name
    period: Period | None = None


class _CareTeam(msgspec.Struct, frozen=True, tag_field="resourceType", tag="CareTeam"):
    subject: ReferenceShape | None = None
    status: str | None = None
    period: Period | None = None
    participant: tuple[_Participant, ...] = ()
    contained: tuple[msgspec.Raw, ...] = ()


class _Organization(msgspec.Struct, frozen=True, tag_field="resourceType", tag="Organization"):
    id: str = ""
    name: str | None = None
    identifier: tuple[Identifier, ...] = ()


class _PractitionerRole(msgspec.Struct, frozen=True, tag_field="resourceType", tag="PractitionerRole"):
    id: str = ""
    organization: ReferenceShape | None = None
    active: bool = True
    period: Period | None = None


class _Header(msgspec.Struct, frozen=True):
    resourceType: str = ""  # noqa: N815  # FHIR's name


class _Entry(msgspec.Struct, frozen=True):
    resource: msgspec.Raw = msgspec.Raw()


class _Link(msgspec.Struct, frozen=True):
    relation: str = ""
    url: str = ""


class _Bundle(msgspec.Struct, frozen=True, tag_field="resourceType", tag="Bundle"):
    entry: tuple[_Entry, ...] = ()
    link: tuple[_Link, ...] = ()


Named = _Organization | _PractitionerRole
_HEADER = msgspec.json.Decoder(_Header)
_BUNDLE = msgspec.json.Decoder(_Bundle)
_NAMED = msgspec.json.Decoder(_Organization | _PractitionerRole)
_TEAM = msgspec.json.Decoder(_CareTeam)
_FAULTS = (msgspec.MsgspecError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A reference that may lead to an organisation, with what its own page says about it."""

    shape: ReferenceShape
    contained: Mapping[str, Named]


@dataclass(frozen=True, slots=True, kw_only=True)
class CareTeams:
    """What the care teams of a patient say, as far as their own pages go.

    Attributes:
        needs: resources to read before the members are known; may be empty.
        asked: what was read before, found or not; it is not asked again.
    """

    leads: tuple[Lead, ...]
    known: Mapping[Need, Named]
    needs: frozenset[Need]
    asked: frozenset[Need]
    version: FhirVersion
    bases: Bases
    now: datetime


def read_care_teams(
    bodies: Sequence[bytes], *, fhir_version: FhirVersion, patient_ids: frozenset[str], bases: Bases, now: datetime
) -> CareTeams:
    """Read the pages of ``CareTeam?patient=…&status=active`` from our own server.

    Args:
        bodies: the pages, as received.
        fhir_version: of the server; PractitionerRole members count in R4 only.
        patient_ids: logical ids of our patient there.
        bases: addresses of the server.
        now: aware UTC; teams and members outside their period don't count.

    Raises:
        MismatchError: a CareTeam of someone else came back: then none of it is believed.
        BrokenAnswerError: not a Bundle of care teams.
    """
    leads: list[Lead] = []
    known: dict[Need, Named] = {}
    for body in bodies:
        for raw in resources_of(body):
            kind = decode(_HEADER, raw).resourceType
            if kind == "CareTeam":
                leads.extend(_leads(decode(_TEAM, raw), patient_ids, bases, now))
            elif kind in ("Organization", "PractitionerRole"):
                named = decode(_NAMED, raw)
                known[kind, named.id] = named
    return with_needs(
        CareTeams(
            leads=tuple(leads),
            known=known,
            needs=frozenset(),
            asked=frozenset(),
            version=fhir_version,
            bases=bases,
            now=now,
        )
    )


def learn(teams: CareTeams, bodies: Mapping[Need, bytes]) -> CareTeams:
    """Return ``teams`` with resources that were read; ``needs`` then holds what they lead on to.

    A body that is not what was asked for is taken as nothing: that member lends no basis.
    """
    known = dict(teams.known)
    for need, body in bodies.items():
        try:
            named = decode(_NAMED, body)
        except BrokenAnswerError:
            continue
        if (type(named).__name__.removeprefix("_"), named.id) == need:
            known[need] = named
    return with_needs(replace(teams, known=known, asked=teams.asked | bodies.keys()))


def members_of(teams: CareTeams) -> tuple[Member, ...]:
    """Return the organisations, each once, in the order of the teams; what is still needed counts for nothing."""
    found: dict[str, str] = {}
    for lead in teams.leads:
        member, _ = _follow(lead.shape, lead.contained, teams)
        if member is not None and not found.get(member.ura):
            found[member.ura] = member.name
    return tuple(Member(ura=ura, name=name) for ura, name in found.items())


def next_links(body: bytes) -> tuple[str, ...]:
    """Return the links to a next page of care teams, as the server wrote them; empty on the last.

    Raises:
        BrokenAnswerError: not a Bundle of care teams.
    """
    return tuple(link.url for link in decode(_BUNDLE, body).link if link.relation == "next")


def resources_of(body: bytes) -> Sequence[msgspec.Raw]:
    """Return the resources of a page.

    Raises:
        BrokenAnswerError: not a Bundle, or too large.
    """
    if len(body) > MAX_PAGE_BYTES:
        raise BrokenAnswerError("too_large", f"the answer is larger than {MAX_PAGE_BYTES} bytes")
    bundle = decode(_BUNDLE, body)
    if len(bundle.entry) > MAX_ENTRIES:
        raise BrokenAnswerError("too_large", f"more than {MAX_ENTRIES} entries")
    return [entry.resource for entry in bundle.entry]


def decode(decoder: msgspec.json.Decoder[Any], raw: bytes | msgspec.Raw) -> Any:
    """Decode a part of a page.

    Raises:
        BrokenAnswerError: it is not of the shape.
    """
    try:
        return decoder.decode(raw)
    except _FAULTS as error:
        raise BrokenAnswerError("not_fhir", "the answer is not a Bundle of care teams") from error


def _leads(team: _CareTeam, patient_ids: frozenset[str], bases: Bases, now: datetime) -> list[Lead]:
    subject = read_reference((team.subject and team.subject.reference) or "", bases)
    if subject.kind != "local" or subject.type != "Patient" or subject.id not in patient_ids:
        raise MismatchError("other_patient", "a CareTeam came back that is not our patient's")
    if team.status != "active" or not is_current(team.period, now):
        return []
    contained: dict[str, Named] = {}
    for raw in team.contained:
        if decode(_HEADER, raw).resourceType in ("Organization", "PractitionerRole"):
            named = decode(_NAMED, raw)
            contained[named.id] = named
    current = [participant for participant in team.participant if is_current(participant.period, now)]
    return [
        Lead(shape=shape, contained=contained)
        for participant in current
        for shape in (participant.member, participant.onBehalfOf)
        if shape is not None
    ]


def _follow(
    shape: ReferenceShape, contained: Mapping[str, Named], teams: CareTeams
) -> tuple[Member | None, Need | None]:
    """Follow one reference to an organisation: the organisation, or what must be read to know it."""
    for _ in range(2):  # a role leads to its organisation, and an organisation is the end
        # (1) the reference says it itself: only where it is a reference to an organisation
        target = read_reference(shape.reference or "", teams.bases)
        ura = _ura(shape.identifier)
        if ura is not None and target.type in ("", "Organization", "PractitionerRole"):
            return Member(ura=ura, name=shape.display or _name(target, contained, teams)), None
        # (2) the resource it names, on the page or read
        named = _find(target, contained, teams)
        if named is None:
            wanted = target.kind == "local" and target.type in _types(teams.version)
            return None, (target.type, target.id) if wanted else None
        if isinstance(named, _Organization):
            numbers = {number for number in map(_ura, named.identifier) if number is not None}
            if len(numbers) != 1:
                return None, None
            return Member(ura=numbers.pop(), name=named.name or shape.display or ""), None
        # (3) a role: its organisation
        if teams.version != "r4" or not named.active or not is_current(named.period, teams.now):
            return None, None
        if named.organization is None:
            return None, None
        shape = named.organization
    return None, None


def _find(target: Reference, contained: Mapping[str, Named], teams: CareTeams) -> Named | None:
    if target.kind == "contained":
        return contained.get(target.id)
    if target.kind == "local" and target.type in _types(teams.version):
        return teams.known.get((target.type, target.id))
    return None


def _name(target: Reference, contained: Mapping[str, Named], teams: CareTeams) -> str:
    named = _find(target, contained, teams)
    return (named.name or "") if isinstance(named, _Organization) else ""


def _types(version: FhirVersion) -> tuple[str, ...]:
    return ("Organization", "PractitionerRole") if version == "r4" else ("Organization",)


def _ura(identifier: Identifier | None) -> str | None:
    if identifier is None or identifier.system not in URA_SYSTEMS or identifier.value is None:
        return None
    return normal_ura(identifier.value)


def with_needs(teams: CareTeams) -> CareTeams:
    """Return ``teams`` with what is still to be read.

    Raises:
        BrokenAnswerError: that is too much.
    """
    needs = {need for lead in teams.leads if (need := _follow(lead.shape, lead.contained, teams)[1]) is not None}
    if len(needs) > MAX_NEEDS:
        raise BrokenAnswerError("too_large", f"care teams name more than {MAX_NEEDS} resources")
    return replace(teams, needs=frozenset(needs - teams.asked))


def is_current(period: Period | None, now: datetime) -> bool:
    """Whether ``now`` lies in ``period``; a date counts as the whole day, and what can't be read counts as not current."""
    if period is None:
        return True
    try:
        if period.start is not None and _day(period.start) > now.date():
            return False
        return period.end is None or _day(period.end, last=True) >= now.date()
    except ValueError:
        return False


def _day(text: str, *, last: bool = False) -> date:
    """Read the day of a FHIR dateTime of any precision; a month or a year stands for its first or last day."""
    digits = text[:10].split("-")
    year = int(digits[0])
    month = int(digits[1]) if len(digits) > 1 else (12 if last else 1)
    if len(digits) > 2:  # noqa: PLR2004  # year, month, day
        return date(year, month, int(digits[2]))
    if not last:
        return date(year, month, 1)
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
