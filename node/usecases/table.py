"""One direction of a use case in one FHIR version: who asks whom, and the queries in their order."""

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from node.usecases.parameters import BSN, PATIENT
from node.usecases.step import Step, Write
from node.usecases.vocabulary import FacilityType, FhirVersion, LegalBasis, Part, RoleCode, Slug, Title

MAX_STEPS = 64
MAX_WRITES = 8


class Table(Part):
    """The queries of one direction in one FHIR version.

    Attributes:
        asker_types: Vektis codes of organisations that may ask.
        holder_types: Vektis codes of organisations that answer.
        user_roles: UZI role codes of the people who may ask; the use case's own list where absent.
        legal_bases: those that suffice in this direction; the use case's own list where absent.
        writes: what may be written beside the queries; nothing, as a rule.
    """

    id: Slug
    title: Title
    asker_types: Annotated[tuple[FacilityType, ...], Field(min_length=1)]
    holder_types: Annotated[tuple[FacilityType, ...], Field(min_length=1)]
    fhir_version: FhirVersion
    user_roles: Annotated[tuple[RoleCode, ...], Field(min_length=1)] | None = None
    legal_bases: Annotated[tuple[LegalBasis, ...], Field(min_length=1)] | None = None
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=MAX_STEPS)]
    writes: Annotated[tuple[Write, ...], Field(max_length=MAX_WRITES)] = ()

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
        self._check_writes(seen, bound)
        return self

    def _check_writes(self, seen: set[str], bound: set[str]) -> None:
        requests = [write.request for write in self.writes]
        if len(set(requests)) != len(requests):
            raise ValueError("two writes are the same request")
        for write in self.writes:
            if write.id in seen:
                raise ValueError(f"two steps are called {write.id}")
            if write.binding is not None and write.binding not in bound:
                raise ValueError(f"{write.id}: no step binds {write.binding}")
            seen.add(write.id)


def _refuse_double_meaning(steps: Sequence[Step]) -> None:
    """Refuse two steps that accept the same request: what is let through must be one step's."""
    meaning: dict[tuple[str, str, str, tuple[str, ...]], str] = {}
    for step in steps:
        for alternative in step.alternatives:
            texts = tuple(sorted(parameter.to_text() for parameter in alternative.params))
            key = (step.resource_type, step.kind, step.operation_of(alternative), texts)
            if key in meaning:
                raise ValueError(f"{step.id} and {meaning[key]} accept the same request")
            meaning[key] = step.id
