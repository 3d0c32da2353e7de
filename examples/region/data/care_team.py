"""The patient's care team as one organisation knows it: the basis on which others may ask, and be asked.

Record systems write down the other organisations in different ways, and so do ours. In all of them the organisation
is known by its URA: in the resource that a reference names, in the reference itself, behind a PractitionerRole (R4
only), or in ``onBehalfOf`` beside a person.
"""

from typing import Literal

from examples.region.data.administration import (
    Professional,
    by_ura,
    organisation_resource,
    practitioner,
    practitioner_role,
)
from examples.region.data.codes import Code
from examples.region.data.dossier import Cabinet, Dossier
from examples.region.data.elements import Json, concept, moment, reference
from examples.region.organisations import Organisation

CareTeamStatus = Literal["active", "proposed", "inactive"]


def own_professional(cabinet: Cabinet, person: Professional) -> Json:
    """Our own member: a PractitionerRole in R4, a Practitioner on behalf of the house in STU3."""
    house = reference(organisation_resource(cabinet, cabinet.organisation), cabinet.organisation.name)
    if cabinet.version == "r4":
        return _participant(cabinet, reference(practitioner_role(cabinet, person, house), person.name), person.role)
    return _participant(cabinet, reference(practitioner(cabinet, person), person.name), person.role, behalf=house)


def organisation_in_address_book(cabinet: Cabinet, one: Organisation) -> Json:
    """A reference to an Organization resource, where the URA stands."""
    return _participant(cabinet, reference(organisation_resource(cabinet, one), one.name))


def organisation_by_number(cabinet: Cabinet, one: Organisation) -> Json:
    """A reference without a resource: the URA is in the reference itself."""
    member = by_ura(one)
    if cabinet.version == "r4":
        member["type"] = "Organization"
    return _participant(cabinet, member)


def organisation_both_ways(cabinet: Cabinet, one: Organisation) -> Json:
    """A reference that names the resource and repeats the URA."""
    named = reference(organisation_resource(cabinet, one), one.name)
    return _participant(cabinet, {**named, "identifier": by_ura(one)["identifier"]})


def professional_in_role(cabinet: Cabinet, person: Professional, one: Organisation, *, known: bool) -> Json:
    """A PractitionerRole that leads to the organisation (R4); ``known``: it is in our address book."""
    house = reference(organisation_resource(cabinet, one), one.name) if known else by_ura(one)
    return _participant(cabinet, reference(practitioner_role(cabinet, person, house), person.name), person.role)


def professional_on_behalf(cabinet: Cabinet, person: Professional, one: Organisation, *, known: bool) -> Json:
    """A person who takes part on behalf of an organisation; ``known``: it is in our address book."""
    house = reference(organisation_resource(cabinet, one), one.name) if known else by_ura(one)
    return _participant(cabinet, reference(practitioner(cabinet, person), person.name), person.role, behalf=house)


def care_team(
    dossier: Dossier,
    *participants: Json,
    since: str,
    family: Json | None = None,
    status: CareTeamStatus = "active",
    until: str | None = None,
) -> Json:
    """Add a CareTeam of the patient, the family and the given participants."""
    cabinet = dossier.cabinet
    period = {"start": moment(since)} if until is None else {"start": moment(since), "end": moment(until)}
    members: list[Json] = [{"member": dossier.patient}]
    if family is not None:
        members.append({"member": reference(family, dossier.citizen.contact.given)})
    return dossier.add(
        "CareTeam",
        "team",
        profile=dossier.profile(r4="nl-core-CareTeam", stu3="nl-core-careteam"),
        at=until or since,
        status=status,
        name=f"Zorgteam {dossier.citizen.name}",
        subject=dossier.patient,
        period=period,
        participant=[*members, *participants],
        managingOrganization=[reference(organisation_resource(cabinet, cabinet.organisation))],
    )


def _participant(cabinet: Cabinet, member: Json, role: Code | None = None, *, behalf: Json | None = None) -> Json:
    made: Json = {"member": member}
    if role is not None:
        # STU3 has room for one role, R4 for several.
        made["role"] = [concept(role)] if cabinet.version == "r4" else concept(role)
    if behalf is not None:
        made["onBehalfOf"] = behalf
    return made
