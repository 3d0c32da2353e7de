"""What the record systems of the region hold, built in readable steps instead of stored as files.

    >>> from examples.region.data import records
    >>> [resource["resourceType"] for resource in records("oever", "stu3")][:3]
    ['Organization', 'Practitioner', 'Organization']

The map: ``codes`` and ``elements`` (codes, datatypes) <- ``dossier`` (a cabinet, a patient's dossier in it) <- builders
(``administration``, ``care_team``, ``vitals``, ``problems``, ``nursing``, ``contacts``, ``medication``) <- the people and
treatments of the story (``staff``, ``treatments``) <- one module per organisation (``gouwe``, ``oever``, ``linde``,
``wending``, ``hofstede``) that tells its part.

Rules kept here: a Patient has exactly one BSN; every resource has ``meta.profile`` (where there is one) and
``meta.lastUpdated``; references lead to resources of the same record system or carry an identifier; nothing is random
and nothing reads the clock. "Today" in the story is Tuesday 17 November 2026.
"""

from collections.abc import Callable, Mapping

from examples.region.data import gouwe, hofstede, linde, oever, wending
from examples.region.data.dossier import Cabinet
from examples.region.data.elements import Json
from examples.region.organisations import FhirVersion, organisation

FILLERS: Mapping[str, Callable[[Cabinet], None]] = {
    "gouwe": gouwe.fill,
    "oever": oever.fill,
    "linde": linde.fill,
    "wending": wending.fill,
    "hofstede": hofstede.fill,
}

# What the builders can write; only De Gouwe's file exists in both versions.
AVAILABLE: Mapping[str, tuple[FhirVersion, ...]] = {
    "gouwe": ("r4", "stu3"),
    "oever": ("stu3",),
    "linde": ("r4",),
    "wending": ("r4",),
    "hofstede": ("r4",),
}


def records(organisation_key: str, version: FhirVersion) -> list[Json]:
    """Build all resources of one organisation in one FHIR version.

    Raises:
        LookupError: this organisation keeps no records, or none in this version.
    """
    if version not in AVAILABLE.get(organisation_key, ()):
        msg = f"{organisation_key} keeps no records in FHIR {version}"
        raise LookupError(msg)
    cabinet = Cabinet(organisation(organisation_key), version)
    FILLERS[organisation_key](cabinet)
    return cabinet.resources
