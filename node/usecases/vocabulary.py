"""The words of a use case file: what each kind of text may be, and the base of every part (ARCHITECTURE.md §4).

Scalars arrive as text (decision 11); each type here says what its text is, and how an editor may show it (``WithJsonSchema``:
a role code such as 01.015 looks like a number to one).
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, WithJsonSchema

from node.usecases.identifiers import is_resource_type
from node.usecases.parameters import Parameter

FhirVersion = Literal["r4", "stu3"]
LegalBasis = Literal["care_team", "consent", "agreement", "referral"]
"""In care together; the citizen's permission; a standing agreement of two organisations; this citizen was referred."""
Purpose = Literal["TREAT", "COC", "ETREAT", "BTG", "PATRQT"]
Assurance = Literal["low", "substantial", "high"]
"""How sure we must be of who asks (NEN 7512, eIDAS words), weakest first."""
ASSURANCES: tuple[Assurance, ...] = ("low", "substantial", "high")
Tier = Literal["handed_over", "on_request"]
Topic = Literal[
    "patient", "care-team", "contacts", "problems", "medication", "allergies", "treatment-limits", "advance-directives",
    "alerts", "results", "vital-signs", "functioning", "social", "documents", "care-plan", "history", "administrative",
]  # fmt: skip
"""What a step is about, for screens that show several use cases in one order."""

SIGNERS = "usecase_signers"
"""Among the trust anchors: thumbprints of the keys whose signature under a use case file counts."""

_COUNT = re.compile(r"[1-9][0-9]{0,8}\Z")


def _as_count(value: object) -> int:
    if isinstance(value, int) and value > 0:  # made by us, not read
        return value
    if isinstance(value, str) and _COUNT.match(value):
        return int(value)
    raise ValueError("must be a whole number above zero")


def _as_parameter(value: object) -> Parameter:
    if isinstance(value, Parameter):  # made by us, not read
        return value
    if not isinstance(value, str):
        raise ValueError("must be text: name=value")  # noqa: TRY004  # pydantic gathers ValueError
    return Parameter.parse(value)


def _resource_type(value: str) -> str:
    if not is_resource_type(value):
        raise ValueError("must be a FHIR resource type")
    return value


def _number_like(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"type": ["string", "number"], "pattern": pattern})


FacilityType = Annotated[str, StringConstraints(pattern=r"^(?:[A-Z][0-9A-Z]{0,2}|AMB)$")]
_ROLE = r"^(?:[0-9]{2}\.[0-9]{3}|patient|representative)$"
RoleCode = Annotated[str, StringConstraints(pattern=_ROLE), _number_like(_ROLE)]
"""A UZI role code, or the citizen or who speaks for them, who have none."""
Slug = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$"), _number_like(r"^[a-z0-9][a-z0-9-]{0,63}$")
]
WireName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=600)]
DataCategory = Annotated[str, StringConstraints(pattern=r"^GGC[0-9]{3}$")]
Ura = Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$"), _number_like(r"^[0-9]{8}$")]
Pseudonym = Annotated[str, StringConstraints(pattern=r"^k[0-9]+\.[A-Za-z0-9_-]{22}$")]
"""A citizen in our own records; never a citizen service number."""
CredentialType = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]{0,63}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
BindingName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,31}$")]
BindingSource = Annotated[
    str, StringConstraints(pattern=r"^[A-Z][A-Za-z]+(?:\.[a-z][A-Za-z]*){1,4}(?::[A-Z][A-Za-z]+)?$")
]
"""``Patient.id``, or a reference with the type it must lead to: ``Patient.generalPractitioner:Practitioner``."""
Count = Annotated[
    int,
    BeforeValidator(_as_count),
    WithJsonSchema({"type": ["integer", "string"], "minimum": 1, "pattern": "^[1-9][0-9]{0,8}$"}),
]
Written = Annotated[
    Parameter,
    BeforeValidator(_as_parameter),
    WithJsonSchema({"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_.:\-]{0,63}=.+$"}),
]
ResourceType = Annotated[str, AfterValidator(_resource_type)]


class Part(BaseModel):
    """A part of a use case file: frozen, unknown members are errors, lists become tuples."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Title(Part):
    """A name for people, in both languages."""

    nl: Sentence
    en: Sentence
