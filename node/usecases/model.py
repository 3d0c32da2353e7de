"""A use case file as a frozen value (ARCHITECTURE.md §4), strict: unknown members are errors.

Scalars arrive as text (decision 11); this model says what each is. What a schema can not express is checked here too: a
step asks only for what an earlier step binds, no two steps accept the same request, every table has one patient match and
it comes first.

    UseCase
    └── tables: one per direction and FHIR version (who asks, who holds)
        └── steps: one query each; ``send`` is the one form asked, ``accept`` the other forms let through
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from node.usecases.identifiers import is_resource_type
from node.usecases.parameters import BSN, PATIENT, Parameter

MAX_COUNT = 500
"""Entries on one page, whatever a file says (ARCHITECTURE.md §2)."""
MAX_STEPS = 64
MAX_DEADLINE_MS = 60_000
"""The hard limit of the time budget (LANDSCAPE.md §7.1 (8))."""

FhirVersion = Literal["r4", "stu3"]
LegalBasis = Literal["care_team", "consent"]
Purpose = Literal["TREAT", "COC", "ETREAT", "BTG", "PATRQT"]
FacilityType = Annotated[str, StringConstraints(pattern=r"^(?:[A-Z][0-9A-Z]{0,2}|AMB)$")]
RoleCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}\.[0-9]{3}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
WireName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=200)]
BindingName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,31}$")]
BindingSource = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z]+\.[a-z][A-Za-z]*(?::[A-Z][A-Za-z]+)?$")]
"""``Patient.id``, or a reference with the type it must lead to: ``Patient.generalPractitioner:Practitioner``."""

_COUNT = re.compile(r"[1-9][0-9]{0,8}\Z")
_REQUEST = re.compile(r"(?P<method>GET|POST) (?P<type>[A-Za-z]+)(?P<rest>/_search|/\{(?P<binding>[a-z][a-z_]*)\})?\Z")
_ANCHOR = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")
_FINGERPRINT = re.compile(r"[A-Za-z0-9_-]{43}\Z")
"""SHA-256 in base64url, as in a did:x509."""


def _as_count(value: object) -> int:
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


Count = Annotated[int, BeforeValidator(_as_count)]
Written = Annotated[Parameter, BeforeValidator(_as_parameter)]
ResourceType = Annotated[str, AfterValidator(_resource_type)]


class Part(BaseModel):
    """A part of a use case file: frozen, unknown members are errors, lists become tuples."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Title(Part):
    """A name for people, in both languages."""

    nl: Sentence
    en: Sentence


class Source(Part):
    """Where the file comes from: specification and the date it was read."""

    specification: Sentence
    date: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class Alternative(Part):
    """Another form in which a holder lets a step through.

    Attributes:
        params: the exact parameters.
        forward: ``itself`` sends this form to the own FHIR server; ``send`` sends the step's own form instead, for forms
            that specifications print and servers answer wrongly (REAL.md). Either way the text is ours, never the peer's.
    """

    params: tuple[Written, ...]
    forward: Literal["itself", "send"] = "itself"


class Types(Part):
    """Resource types that may come back: ``matched`` by the query, ``included`` beside it."""

    matched: Annotated[tuple[ResourceType, ...], Field(min_length=1)]
    included: tuple[ResourceType, ...] = ()


class Step(Part):
    """One query of a table.

    Attributes:
        request: ``POST Patient/_search``, ``GET Flag`` or ``GET Practitioner/{practitioner}``.
        send: the one form in which it is asked, in this order.
        accept: other forms that a holder lets through.
        binds: for later steps: name -> where its ids stand on a checked page.
        paging: ``follow`` reads all pages, ``first_page`` is complete as it is (the latest five).
        max_matched: more matches than this on a page are an error of the server; ``None``: only the limit of a page.
        max_pages: an asker stops there and says the step is not complete.
        tier: ``handed_over`` at once, or ``on_request`` with a purpose.
    """

    id: Slug
    title: Title
    request: str
    send: tuple[Written, ...] = ()
    accept: tuple[Alternative, ...] = ()
    binds: Mapping[BindingName, tuple[BindingSource, ...]] = Field(default_factory=dict)
    types: Types
    paging: Literal["follow", "first_page"] = "follow"
    max_matched: Count | None = None
    max_pages: Count = 20
    tier: Literal["handed_over", "on_request"] = "handed_over"

    @property
    def method(self) -> str:
        """``GET`` or ``POST``."""
        return self._request["method"]

    @property
    def resource_type(self) -> str:
        """The type in the path."""
        return self._request["type"]

    @property
    def kind(self) -> Literal["search", "read"]:
        """A search, by GET or by POST, or a read by id."""
        return "read" if self._request["binding"] else "search"

    @property
    def read_binding(self) -> str | None:
        """For a read: the binding that gives the id."""
        return self._request["binding"] or None

    @property
    def is_match(self) -> bool:
        """Whether this step finds the patient by BSN."""
        return any(parameter.placeholder == BSN for parameter in self.send)

    @cached_property
    def alternatives(self) -> tuple[Alternative, ...]:
        """All forms that a holder lets through, the sent one first."""
        return (Alternative(params=self.send), *self.accept)

    @property
    def needs(self) -> frozenset[str]:
        """Names of the bindings without which the step can not be asked."""
        placeholders = {parameter.placeholder for parameter in self.send if parameter.placeholder}
        return frozenset(placeholders | ({self.read_binding} if self.read_binding else set()))

    @cached_property
    def _request(self) -> Mapping[str, str]:
        found = _REQUEST.match(self.request)
        assert found is not None  # the validator below saw it
        return {name: value or "" for name, value in found.groupdict().items()}

    @model_validator(mode="after")
    def _one_of_three_shapes(self) -> Self:
        found = _REQUEST.match(self.request)
        if found is None or not is_resource_type(found["type"]):
            raise ValueError(
                f"request {self.request!r} is not 'GET Type', 'POST Type/_search' or 'GET Type/{{binding}}'"
            )
        if (found["rest"] == "/_search") != (found["method"] == "POST"):
            raise ValueError("POST goes with /_search, GET without")
        if self.kind == "read" and (self.send or self.accept):
            raise ValueError("a read by id has no parameters")
        if self.kind == "search" and not self.send:
            raise ValueError("a search without parameters asks for every patient")
        if self.is_match and (self.method != "POST" or self.resource_type != "Patient"):
            raise ValueError("a BSN travels only in the body of POST Patient/_search")
        if self.is_match and self.paging != "first_page":
            raise ValueError("the patient match has paging: first_page")
        if self.kind == "search" and self.needs not in (frozenset({BSN}), frozenset({PATIENT})):
            raise ValueError("a search is about one patient: {bsn} in the match, {patient} elsewhere")
        if self.max_matched is not None and self.max_matched > MAX_COUNT:
            raise ValueError(f"max_matched is at most {MAX_COUNT}")
        for alternative in self.alternatives:
            names = {parameter.placeholder for parameter in alternative.params if parameter.placeholder}
            if self.kind == "search" and names != self.needs:
                raise ValueError("every form of a step fills the same placeholders")
        for sources in self.binds.values():
            for source in sources:
                if source.partition(".")[0] not in (*self.types.matched, *self.types.included):
                    raise ValueError(f"binds {source}: that type does not come back in this step")
        return self


class Table(Part):
    """The queries of one direction in one FHIR version.

    Attributes:
        asker_types: Vektis codes of organisations that may ask.
        holder_types: Vektis codes of organisations that answer.
        user_roles: UZI role codes of the people who may ask; the use case's own list where absent.
    """

    id: Slug
    title: Title
    asker_types: Annotated[tuple[FacilityType, ...], Field(min_length=1)]
    holder_types: Annotated[tuple[FacilityType, ...], Field(min_length=1)]
    fhir_version: FhirVersion
    user_roles: tuple[RoleCode, ...] | None = None
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MAX_STEPS)]

    def step(self, step_id: str) -> Step | None:
        """Return the step called ``step_id``, if the table has it."""
        return next((step for step in self.steps if step.id == step_id), None)

    @property
    def match(self) -> Step:
        """The step that finds the patient: always the first."""
        return self.steps[0]

    @model_validator(mode="after")
    def _steps_hang_together(self) -> Self:
        if not self.steps[0].is_match or PATIENT not in self.steps[0].binds:
            raise ValueError("the first step must find the patient by BSN and bind {patient}")
        seen: set[str] = set()
        bound = {BSN}
        for step in self.steps:
            if step.id in seen:
                raise ValueError(f"two steps are called {step.id}")
            if step is not self.steps[0] and step.is_match:
                raise ValueError(f"{step.id}: only the first step asks by BSN")
            if missing := step.needs - bound:
                raise ValueError(f"{step.id}: no earlier step binds {', '.join(sorted(missing))}")
            seen.add(step.id)
            bound |= set(step.binds)
        _refuse_double_meaning(self.steps)
        return self


def _refuse_double_meaning(steps: Sequence[Step]) -> None:
    """Refuse two steps that accept the same request: what is let through must be one step's."""
    meaning: dict[tuple[str, str, tuple[str, ...]], str] = {}
    for step in steps:
        for alternative in step.alternatives:
            texts = tuple(sorted(parameter.to_text() for parameter in alternative.params))
            key = (step.resource_type, step.kind, texts)
            if key in meaning:
                raise ValueError(f"{step.id} and {meaning[key]} accept the same request")
            meaning[key] = step.id


class UseCase(Part):
    """A use case: who may ask whom for what, why, and how it is asked.

    Attributes:
        wire_scope: OAuth scope and name on the wire; differs from ``id``.
        discovery_service: registration there means "offers and asks this".
        purposes: purposes of use, the first is meant where an asker says nothing.
        user_roles: UZI role codes of the people who may ask.
        legal_bases: any one suffices, unless a citizen's recorded objection says otherwise.
        break_the_glass: whether an emergency may set aside legal basis and objection.
        data_category: Mitz event code that a consent is about.
        audit_code: ``system|code`` of the event in the audit trail.
        presentation_definitions: JSON text, nuts-node's policy form; trust anchors still as ``{{name}}``.
    """

    id: Slug
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    title: Title
    source: Source
    wire_scope: WireName
    discovery_service: WireName
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    user_roles: Annotated[tuple[RoleCode, ...], Field(min_length=1)]
    legal_bases: Annotated[tuple[LegalBasis, ...], Field(min_length=1)]
    break_the_glass: Literal["not_offered", "offered"] = "not_offered"
    data_category: Annotated[str, StringConstraints(pattern=r"^GGC[0-9]{3}$")]
    deadline_ms: Count
    audit_code: Annotated[str, StringConstraints(pattern=r"^[^|\s]+\|[^|\s]+$")]
    presentation_definitions: str
    tables: Annotated[tuple[Table, ...], Field(min_length=1)]

    def roles_of(self, table: Table) -> tuple[str, ...]:
        """Return the role codes of the people who may ask through ``table``."""
        return self.user_roles if table.user_roles is None else table.user_roles

    def table(self, table_id: str) -> Table | None:
        """Return the table called ``table_id``, if there is one."""
        return next((table for table in self.tables if table.id == table_id), None)

    @property
    def anchors(self) -> frozenset[str]:
        """Names of the trust anchors that the presentation definitions leave open."""
        return frozenset(_ANCHOR.findall(self.presentation_definitions))

    def fill_trust_anchors(self, anchors: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Return the presentation definitions by wallet owner type, with the operator's trust anchors in place.

        Args:
            anchors: name -> SHA-256 fingerprints of root certificates, base64url without padding (43 characters).

        Raises:
            ValueError: an anchor is missing, empty, or not a fingerprint.
        """

        def alternatives(found: re.Match[str]) -> str:
            fingerprints = anchors.get(found.group(1), ())
            if not fingerprints:
                raise ValueError(f"trust_anchors.{found.group(1)} is not set")
            for fingerprint in fingerprints:
                if _FINGERPRINT.match(fingerprint) is None:
                    raise ValueError(
                        f"trust_anchors.{found.group(1)} holds something that is not a SHA-256 in base64url"
                    )
            return "|".join(fingerprints)

        definitions: dict[str, Any] = json.loads(_ANCHOR.sub(alternatives, self.presentation_definitions))
        return definitions

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.deadline_ms > MAX_DEADLINE_MS:
            raise ValueError(f"deadline_ms is at most {MAX_DEADLINE_MS}")
        if (self.break_the_glass == "offered") != ("BTG" in self.purposes):
            raise ValueError("purpose BTG goes with break_the_glass: offered")
        _check_definitions(self.presentation_definitions)
        seen: dict[tuple[str, str, str], str] = {}
        for table in self.tables:
            for key in ((a, h, table.fhir_version) for a in table.asker_types for h in table.holder_types):
                if key in seen:
                    raise ValueError(f"tables {seen[key]} and {table.id} are about the same asker, holder and version")
                seen[key] = table.id
        if len({table.id for table in self.tables}) != len(self.tables):
            raise ValueError("two tables have the same id")
        return self


def _check_definitions(text: str) -> None:
    """Check the outer shape; ``credentials.query`` parses the definitions themselves once the anchors are filled."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) != len(pairs):
            raise ValueError("presentation_definitions: a member stands there twice")
        return dict(pairs)

    try:
        value = json.loads(text, object_pairs_hook=once)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError("presentation_definitions is not JSON") from error
    if not isinstance(value, dict) or not value or not set(value) <= {"organization", "service_provider", "user"}:
        raise ValueError("presentation_definitions must be an object with organization, service_provider or user")
    if not all(isinstance(definition, dict) and definition.get("id") for definition in value.values()):
        raise ValueError("presentation_definitions: every definition is an object with an id")
