"""Per resource type, which fields may hold a patient: what isn't named here isn't seen, so it must be complete.

For each type of each FHIR version: the ``owner`` (whose resource it is; must be our patient), ``others`` that may hold a
patient too (a performer, an informant; if they do it must be ours), ``links`` that lead to resources a later step may read,
and ``recorder`` for lineage. A type that isn't listed is refused wherever it stands: adding one means reading its
definition in FHIR for every Reference that admits Patient. Further types: ``care_fields.py``.

References anywhere else, in a note or an extension, are not in the table: the whole page is searched for them (``hidden.py``).
``Patient.link.other`` names another record of the *same* person, whatever its id; a citizen
number in it has to be that person's (``response.py``).

Paths: ``a`` one value, ``a[]`` a list, ``a[].b`` inside one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from node.usecases.model import FhirVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientFields:
    """Where patients stand in one resource type.

    Attributes:
        owner: top-level field with the patient whose resource this is; ``None`` for types that are about nobody.
        owner_optional: the owner may be absent (a Device on a shelf).
        among: path to those whose resource this is where there is no one owner; one must be our patient, no other patient may be.
        others: further paths that may hold a patient.
        links: paths that a use case file may bind.
        recorder: paths of who recorded it, the best first.
    """

    owner: str | None = None
    owner_optional: bool = False
    among: str | None = None
    others: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    recorder: tuple[str, ...] = ()


_NOBODY = PatientFields()

_COMMON: Mapping[str, PatientFields] = {
    "Patient": PatientFields(others=("link[].other",), links=("generalPractitioner[]", "managingOrganization")),
    "Practitioner": _NOBODY,
    "PractitionerRole": PatientFields(links=("practitioner", "organization")),
    "Organization": PatientFields(links=("partOf",)),
    "Location": PatientFields(links=("managingOrganization",)),
    "Substance": _NOBODY,
    "Device": PatientFields(owner="patient", owner_optional=True),
    "RelatedPerson": PatientFields(owner="patient"),
    "Flag": PatientFields(owner="subject", others=("author",), recorder=("author",)),
    "AllergyIntolerance": PatientFields(
        owner="patient", others=("recorder", "asserter"), recorder=("recorder", "asserter")
    ),
    "EpisodeOfCare": PatientFields(owner="patient", recorder=("careManager", "managingOrganization")),
    "Encounter": PatientFields(
        owner="subject", others=("participant[].individual",), recorder=("participant[].individual", "serviceProvider")
    ),
    "Procedure": PatientFields(
        owner="subject",
        others=("performer[].actor", "recorder", "asserter"),
        recorder=("recorder", "performer[].actor"),
    ),
    "Specimen": PatientFields(owner="subject", owner_optional=True, others=("collection.collector",)),
    "CareTeam": PatientFields(owner="subject", others=("participant[].member",), recorder=("managingOrganization[]",)),
}

R4: Mapping[str, PatientFields] = {
    **_COMMON,
    "Medication": _NOBODY,
    "Task": PatientFields(
        owner="for",
        others=(
            "requester",
            "owner",
            "focus",
            "restriction.recipient[]",
            "input[].valueReference",
            "output[].valueReference",
        ),
        recorder=("requester",),
    ),
    "Observation": PatientFields(owner="subject", others=("performer[]", "focus[]"), recorder=("performer[]",)),
    "Condition": PatientFields(owner="subject", others=("recorder", "asserter"), recorder=("recorder", "asserter")),
    "Consent": PatientFields(
        owner="patient",
        others=(
            "performer[]",
            "verification[].verifiedWith",
            "sourceReference",
            "provision.actor[].reference",
            "provision.data[].reference",
            "provision.provision[].actor[].reference",
            "provision.provision[].data[].reference",
        ),
        recorder=("performer[]", "organization[]"),
    ),
    "MedicationRequest": PatientFields(
        owner="subject",
        others=("requester", "performer", "recorder", "reportedReference"),
        recorder=("recorder", "requester"),
    ),
    "MedicationDispense": PatientFields(
        owner="subject", others=("performer[].actor", "receiver[]"), recorder=("performer[].actor",)
    ),
    "MedicationStatement": PatientFields(
        owner="subject", others=("informationSource",), recorder=("informationSource",)
    ),
    "Composition": PatientFields(
        owner="subject",
        others=(
            "author[]",
            "attester[].party",
            "section[].author[]",
            "section[].focus",
            "section[].section[].author[]",
            "section[].section[].focus",
        ),
        recorder=("author[]", "custodian"),
    ),
}

STU3: Mapping[str, PatientFields] = {
    **_COMMON,
    "Medication": _NOBODY,
    "Task": PatientFields(
        owner="for",
        others=(
            "requester.agent",
            "owner",
            "focus",
            "restriction.recipient[]",
            "input[].valueReference",
            "output[].valueReference",
        ),
        recorder=("requester.agent",),
    ),
    "Observation": PatientFields(owner="subject", others=("performer[]",), recorder=("performer[]",)),
    "Condition": PatientFields(owner="subject", others=("asserter",), recorder=("asserter",)),
    "Consent": PatientFields(
        owner="patient",
        others=(
            "consentingParty[]",
            "sourceReference",
            "actor[].reference",
            "data[].reference",
            "except[].actor[].reference",
            "except[].data[].reference",
        ),
        recorder=("consentingParty[]", "organization[]"),
    ),
    "MedicationRequest": PatientFields(
        owner="subject", others=("requester.agent", "recorder"), recorder=("recorder", "requester.agent")
    ),
    "MedicationDispense": PatientFields(
        owner="subject", others=("performer[].actor", "receiver[]"), recorder=("performer[].actor",)
    ),
    "MedicationStatement": PatientFields(
        owner="subject", others=("informationSource",), recorder=("informationSource",)
    ),
    "Composition": PatientFields(
        owner="subject", others=("author[]", "attester[].party"), recorder=("author[]", "custodian")
    ),
}

FIELDS: Mapping[FhirVersion, Mapping[str, PatientFields]] = {"r4": R4, "stu3": STU3}
