"""What a patient has: conditions, episodes, allergies, alerts."""

from examples.region.data import codes
from examples.region.data.administration import Professional, practitioner
from examples.region.data.codes import NICTIZ, TERMINOLOGY, Code
from examples.region.data.dossier import Dossier
from examples.region.data.elements import Json, concept, extension, reference, term


def condition(
    dossier: Dossier, problem: tuple[Code, ...], since: str, *, by: Professional, until: str | None = None
) -> Json:
    """Add a Condition: active, or resolved when it has an end."""
    status = "active" if until is None else "resolved"
    r4 = dossier.version == "r4"
    return dossier.add(
        "Condition",
        "problem",
        profile=dossier.profile(r4="nl-core-Problem", stu3="zib-Problem"),
        at=until or since,
        clinicalStatus=term(f"{TERMINOLOGY}/condition-clinical", status) if r4 else status,
        verificationStatus=term(f"{TERMINOLOGY}/condition-ver-status", "confirmed") if r4 else "confirmed",
        code=concept(*problem),
        subject=dossier.patient,
        onsetDateTime=since,
        abatementDateTime=until,
        asserter=reference(practitioner(dossier.cabinet, by), by.name),
    )


def episode(
    dossier: Dossier, name: str, problem: tuple[Code, ...], since: str, *, by: Professional, until: str | None = None
) -> Json:
    """Add an EpisodeOfCare with its diagnosis."""
    diagnosis = condition(dossier, problem, since, by=by, until=until)
    house = dossier.cabinet.organisation
    named = [extension(f"{NICTIZ}/ext-EpisodeOfCare.EpisodeOfCareName", "String", name)]
    return dossier.add(
        "EpisodeOfCare",
        "episode",
        profile=dossier.profile(r4="nl-core-EpisodeOfCare", stu3="nl-core-episodeofcare"),
        at=until or since,
        extension=named if dossier.version == "r4" else None,
        status="active" if until is None else "finished",
        diagnosis=[{"condition": reference(diagnosis, problem[0].display)}],
        patient=dossier.patient,
        managingOrganization={"reference": f"Organization/{house.key}", "display": house.name},
        period={"start": since} if until is None else {"start": since, "end": until},
    )


def allergy(
    dossier: Dossier,
    substance: Code,
    since: str,
    *,
    by: Professional,
    category: str,
    criticality: str,
    reaction: Code,
    note: str | None = None,
) -> Json:
    """Add an allergy or intolerance; ``category`` is FHIR's: food, medication, environment, biologic."""
    r4 = dossier.version == "r4"
    person = reference(practitioner(dossier.cabinet, by), by.name)
    return dossier.add(
        "AllergyIntolerance",
        "allergy",
        profile=dossier.profile(r4="nl-core-AllergyIntolerance", stu3="zib-AllergyIntolerance"),
        at=since,
        clinicalStatus=term(f"{TERMINOLOGY}/allergyintolerance-clinical", "active") if r4 else "active",
        verificationStatus=term(f"{TERMINOLOGY}/allergyintolerance-verification", "confirmed") if r4 else "confirmed",
        category=[category],
        criticality=criticality,
        code=concept(substance),
        patient=dossier.patient,
        onsetDateTime=since,
        recorder=person,
        note=[{"text": note}] if note else None,
        reaction=[{"manifestation": [concept(reaction)]}],
    )


def alert(
    dossier: Dossier,
    what: Code,
    since: str,
    *,
    by: Professional,
    kind: Code = codes.ALERT_WARNING,
    until: str | None = None,
    text: str | None = None,
) -> Json:
    """Add a Flag: active, or inactive when it has an end."""
    category = concept(kind)
    return dossier.add(
        "Flag",
        "alert",
        profile=dossier.profile(r4="nl-core-Alert", stu3="zib-Alert"),
        at=until or since,
        status="active" if until is None else "inactive",
        category=[category] if dossier.version == "r4" else category,
        code=concept(what, text=text or what.display),
        subject=dossier.patient,
        period={"start": since} if until is None else {"start": since, "end": until},
        author=reference(practitioner(dossier.cabinet, by), by.name),
    )
