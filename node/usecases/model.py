"""A use case file as a frozen value (ARCHITECTURE.md §4), strict: unknown members are errors.

What a schema can not express is checked here too: a step asks only for what an earlier step binds, no two steps accept the
same request, every table has one patient match and it comes first.

    UseCase
    ├── tables: one per direction and FHIR version (who asks, who holds)             table.py
    │   ├── steps: one query each; ``send`` is the one form asked, ``accept`` the others let through    step.py
    │   └── writes: what may be written, where a use case names it
    ├── presentation_definitions: who an asker has to prove to be                    definitions.py
    └── conditions: source, pilot, delegations, second tier, what to do when something is away    conditions.py
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from node.usecases.conditions import Delegation, Import, Merge, OnRequest, Pilot, Source, WhenAway
from node.usecases.definitions import anchors_of, check_definitions, fill_trust_anchors
from node.usecases.step import MAX_COUNT, Alternative, Step, Types, Write
from node.usecases.table import MAX_STEPS, Table
from node.usecases.vocabulary import (
    Assurance,
    Count,
    CredentialType,
    DataCategory,
    FacilityType,
    FhirVersion,
    LegalBasis,
    Part,
    Purpose,
    RoleCode,
    Slug,
    Title,
    WireName,
)

__all__ = [
    "MAX_COUNT",
    "MAX_DEADLINE_MS",
    "MAX_STEPS",
    "Alternative",
    "FacilityType",
    "FhirVersion",
    "LegalBasis",
    "Part",
    "Purpose",
    "RoleCode",
    "Slug",
    "Step",
    "Table",
    "Title",
    "Types",
    "UseCase",
    "Write",
]

MAX_DEADLINE_MS = 60_000
"""The hard limit of the time budget (LANDSCAPE.md §7.1 (8))."""


class UseCase(Part):
    """A use case: who may ask whom for what, why, and how it is asked.

    Attributes:
        wire_scope: OAuth scope and name on the wire; differs from ``id``.
        scope_policy: what becomes of further scopes in a token request (WIRE §2.6).
        discovery_service: registration there means "offers and asks this".
        purposes: purposes of use, the first is meant where an asker says nothing.
        user_roles: UZI role codes of the people who may ask.
        delegations: further roles that may ask in the name of one of those.
        evidence: kinds of credential that may say who the person is; empty: what the presentation definitions ask.
        assurance: how sure that has to be.
        legal_bases: any one suffices, unless a citizen's recorded objection says otherwise.
        break_the_glass: whether an emergency may set aside legal basis and objection.
        existence: whether a peer learns, by an offer to break the glass, that there is something to be had.
        data_category: Mitz event code that a consent is about.
        deadline_ms: for the whole question.
        step_deadline_ms: for one query; the node's own limit where absent.
        on_request: purposes for the steps of the second tier.
        audit_code: ``system|code`` of the event in the audit trail.
        pilot: whom it is limited to, if anybody.
        imports: what an asker may take over; written ``import``.
        write_back: whether changes are proposed to the holder (``proposal``), through ``writes``.
        presentation_definitions: JSON text, nuts-node's policy form; trust anchors still as ``{{name}}``.
    """

    id: Slug
    version: Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+$")]
    title: Title
    source: Source
    wire_scope: WireName
    scope_policy: Literal["profile-only", "passthrough", "dynamic"] = "profile-only"
    discovery_service: WireName
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    user_roles: Annotated[tuple[RoleCode, ...], Field(min_length=1)]
    delegations: tuple[Delegation, ...] = ()
    evidence: tuple[CredentialType, ...] = ()
    assurance: Assurance = "low"
    legal_bases: Annotated[tuple[LegalBasis, ...], Field(min_length=1)]
    break_the_glass: Literal["not_offered", "offered"] = "not_offered"
    existence: Literal["hidden", "revealed"] = "hidden"
    data_category: DataCategory
    deadline_ms: Count
    step_deadline_ms: Count | None = None
    on_request: OnRequest | None = None
    audit_code: Annotated[str, StringConstraints(pattern=r"^[^|\s]+\|[^|\s]+$")]
    when_away: WhenAway = WhenAway()
    pilot: Pilot | None = None
    merge: Merge = Merge()
    imports: Annotated[Import | None, Field(alias="import")] = None
    write_back: Literal["none", "proposal"] = "none"
    presentation_definitions: str
    tables: Annotated[tuple[Table, ...], Field(min_length=1)]

    def roles_of(self, table: Table) -> tuple[str, ...]:
        """Return the role codes of the people who may ask through ``table``."""
        return self.user_roles if table.user_roles is None else table.user_roles

    def bases_of(self, table: Table | None) -> tuple[LegalBasis, ...]:
        """Return the legal bases of which any one suffices in the direction of ``table``."""
        return self.legal_bases if table is None or table.legal_bases is None else table.legal_bases

    def category_of(self, step: Step | None) -> str:
        """Return the data category that a consent about ``step`` is about."""
        return self.data_category if step is None or step.data_category is None else step.data_category

    def admits_peer(self, ura: str) -> bool:
        """Tell whether a pilot lets this organisation take part."""
        return self.pilot is None or self.pilot.peers is None or ura in self.pilot.peers

    def admits_patient(self, pseudonym: str) -> bool:
        """Tell whether a pilot is about this citizen."""
        return self.pilot is None or self.pilot.patients is None or pseudonym in self.pilot.patients

    def table(self, table_id: str) -> Table | None:
        """Return the table called ``table_id``, if there is one."""
        return next((table for table in self.tables if table.id == table_id), None)

    @property
    def anchors(self) -> frozenset[str]:
        """Names of the trust anchors that the presentation definitions leave open."""
        return anchors_of(self.presentation_definitions)

    def fill_trust_anchors(self, anchors: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Return the presentation definitions by wallet owner type, with the operator's trust anchors in place.

        Raises:
            ValueError: an anchor is missing, empty, or not a fingerprint.
        """
        return fill_trust_anchors(self.presentation_definitions, anchors)

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if self.deadline_ms > MAX_DEADLINE_MS:
            raise ValueError(f"deadline_ms is at most {MAX_DEADLINE_MS}")
        if self.step_deadline_ms is not None and self.step_deadline_ms > self.deadline_ms:
            raise ValueError("step_deadline_ms is at most deadline_ms")
        if (self.break_the_glass == "offered") != ("BTG" in self.purposes):
            raise ValueError("purpose BTG goes with break_the_glass: offered")
        if self.existence == "revealed" and self.break_the_glass != "offered":
            raise ValueError("existence: revealed goes with break_the_glass: offered")
        check_definitions(self.presentation_definitions)
        self._check_tiers()
        self._check_writes()
        seen: dict[tuple[str, str, str], str] = {}
        for table in self.tables:
            for key in ((a, h, table.fhir_version) for a in table.asker_types for h in table.holder_types):
                if key in seen:
                    raise ValueError(f"tables {seen[key]} and {table.id} are about the same asker, holder and version")
                seen[key] = table.id
        if len({table.id for table in self.tables}) != len(self.tables):
            raise ValueError("two tables have the same id")
        return self

    def _check_tiers(self) -> None:
        tiered = any(step.tier == "on_request" for table in self.tables for step in table.steps)
        if tiered != (self.on_request is not None):
            raise ValueError("on_request goes with steps of tier: on_request")
        if self.on_request is not None and not set(self.on_request.purposes) <= set(self.purposes):
            raise ValueError("on_request names a purpose that the use case doesn't")
        if any(table.match.tier == "on_request" for table in self.tables):
            raise ValueError("the patient match is handed over")

    def _check_writes(self) -> None:
        roles = {role for table in self.tables for role in self.roles_of(table)}
        for delegation in self.delegations:
            if not set(delegation.on_behalf_of) <= roles:
                raise ValueError("delegations: a role is delegated that may not ask itself")
        if (self.write_back == "proposal") and not any(table.writes for table in self.tables):
            raise ValueError("write_back: proposal goes with writes")
