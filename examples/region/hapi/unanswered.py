"""Queries of the shipped use cases that a plain HAPI FHIR can not answer, each with the reason; the page of the use cases shows it.

Seen with the server of this package, in both directions: the test of the queries fails when one of these works, and when
another one does not.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """One form of a query, in one FHIR version.

    Attributes:
        line: as ``hazel usecase show`` prints it.
        why: what the server does instead, and what helps.
    """

    fhir_version: Literal["r4", "stu3"]
    line: str
    why: str


LASTN = (
    "answers with any observations, of any patient: without Elasticsearch it ignores what $lastn is asked; "
    "the same search without it works"
)
VALUE_SET = "404: it does not know the value set, nor the terminology server that would"

IN_BOTH = (
    "category=http://snomed.info/sct|118228005,http://snomed.info/sct|384821006",
    "code=http://loinc.org|29463-7",
    "code=http://loinc.org|8302-2,http://loinc.org|8306-3,http://loinc.org|8308-9",
    "code=http://loinc.org|85354-9",
    "code=http://snomed.info/sct|365508006",
)
"""What is asked with ``$lastn`` in either version."""

IN_R4 = "category=http://snomed.info/sct|275711006&_include=Observation:has-member&_include=Observation:specimen"
IN_STU3 = "category=http://snomed.info/sct|275711006&_include=Observation:related-target&_include=Observation:specimen"


def _lastn(fhir_version: Literal["r4", "stu3"], asked: str) -> Unanswered:
    return Unanswered(fhir_version=fhir_version, line=f"GET Observation/$lastn?patient={{patient}}&{asked}", why=LASTN)


UNANSWERED: tuple[Unanswered, ...] = (
    Unanswered(
        fhir_version="r4",
        line="GET DeviceUseStatement?patient={patient}"
        "&device.type:in=https://fhir.iknl.nl/fhir/ValueSet/ACP-MedicalDeviceProductType-ICD"
        "&_include=DeviceUseStatement:device",
        why=VALUE_SET,
    ),
    Unanswered(
        fhir_version="r4",
        line="GET Goal?patient={patient}&description:in=https://fhir.iknl.nl/fhir/ValueSet/ACP-MedicalPolicyGoal",
        why=VALUE_SET,
    ),
    *(_lastn("r4", asked) for asked in (*IN_BOTH, IN_R4)),
    *(_lastn("stu3", asked) for asked in (*IN_BOTH, IN_STU3)),
)
"""All of them."""
