"""People, organisations, encounters and care teams of STU3 as R4: mostly the same."""

from collections.abc import Mapping

from node.exchange.r4.values import ABSENT, Losses, Made, Rules, elements, encounter, listed, same

_IDENTICAL: Mapping[str, tuple[str, ...]] = {
    "Patient": (
        "identifier", "active", "name", "telecom", "gender", "birthDate", "deceasedBoolean", "deceasedDateTime", "address",
        "maritalStatus", "multipleBirthBoolean", "multipleBirthInteger", "photo", "contact", "communication",
        "generalPractitioner", "managingOrganization", "link",
    ),
    "Practitioner": (
        "identifier", "active", "name", "telecom", "address", "gender", "birthDate", "photo", "qualification",
        "communication",
    ),
    "PractitionerRole": (
        "identifier", "active", "period", "practitioner", "organization", "code", "specialty", "location",
        "healthcareService", "telecom", "availableTime", "notAvailable", "availabilityExceptions", "endpoint",
    ),
    "Organization": (
        "identifier", "active", "type", "name", "alias", "telecom", "address", "partOf", "contact", "endpoint",
    ),
    "EpisodeOfCare": (
        "identifier", "status", "statusHistory", "type", "diagnosis", "patient", "managingOrganization", "period",
        "referralRequest", "careManager", "team", "account",
    ),
    "Coverage": (
        "identifier", "status", "type", "policyHolder", "subscriber", "subscriberId", "beneficiary", "dependent",
        "relationship", "period", "payor", "order", "network", "contract",
    ),
}  # fmt: skip


def _classified(made: Made, _: Losses) -> None:
    made.setdefault("class", dict(ABSENT))


AFTERWARDS = {"Encounter": _classified}
"""What R4 demands and STU3 leaves open."""

GENERAL: Mapping[str, Rules] = {
    **{kind: {name: same(name) for name in names} for kind, names in _IDENTICAL.items()},
    "RelatedPerson": {
        **{
            name: same(name)
            for name in (
                "identifier", "active", "patient", "name", "telecom", "gender", "birthDate", "address", "photo", "period",
            )
        },
        "relationship": listed("relationship"),
    },
    "Encounter": {
        **{
            name: same(name)
            for name in (
                "identifier", "status", "statusHistory", "class", "classHistory", "type", "priority", "subject",
                "episodeOfCare", "participant", "period", "length", "account", "hospitalization", "location",
                "serviceProvider", "partOf",
            )
        },
        "incomingReferral": same("basedOn"),
        "appointment": listed("appointment"),
        "reason": same("reasonCode"),
        "diagnosis": elements(
            "diagnosis", {"condition": same("condition"), "role": same("use"), "rank": same("rank")}
        ),
    },
    "CareTeam": {
        **{
            name: same(name)
            for name in (
                "identifier", "status", "category", "name", "subject", "period", "reasonCode", "reasonReference",
                "managingOrganization", "note",
            )
        },
        "context": encounter,
        "participant": elements(
            "participant",
            {
                "role": listed("role"),
                "member": same("member"),
                "onBehalfOf": same("onBehalfOf"),
                "period": same("period"),
            },
        ),
    },
}  # fmt: skip
