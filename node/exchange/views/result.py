"""What came, from whom, and how each part ended: what every view is computed from."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from node.exchange.events import COMPLETE, End, Plan, Source
from node.exchange.merge import Conflict, Fetched, SameFact, rfc3339
from node.exchange.views.items import describe
from node.exchange.views.picking import NOTHING
from node.usecases.model import UseCase
from node.usecases.step import Step

TOPICS: Mapping[str, str] = {
    "MedicationRequest": "medication",
    "MedicationStatement": "medication",
    "MedicationDispense": "medication",
    "MedicationAdministration": "medication",
    "AllergyIntolerance": "allergies",
    "Condition": "problems",
    "EpisodeOfCare": "problems",
    "Procedure": "history",
    "Consent": "treatment-limits",
    "Flag": "alerts",
    "Encounter": "contacts",
    "Composition": "documents",
    "DocumentReference": "documents",
    "CareTeam": "care-team",
    "RelatedPerson": "care-team",
    "Practitioner": "care-team",
    "PractitionerRole": "care-team",
    "Organization": "care-team",
    "Patient": "patient",
    "Observation": "results",
    "CarePlan": "care-plan",
    "Goal": "care-plan",
}
"""What a type is about, where the use case file does not say it of a step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One resource as a line.

    Attributes:
        body: parsed JSON.
        topic: what it is about.
    """

    fetched: Fetched
    body: Mapping[str, Any]
    topic: str
    type: str
    date: str
    text: str

    @property
    def holder(self) -> str:
        """URA of who gave it."""
        return self.fetched.lineage.holder_ura

    @property
    def local(self) -> str:
        """``Type/id`` at its holder."""
        return f"{self.fetched.resource.type}/{self.fetched.resource.id}"

    def to_json(self) -> dict[str, Any]:
        """Return what every line of every view says: what, when, from whom."""
        lineage = self.fetched.lineage
        return {
            "type": self.type,
            "date": None if self.date == NOTHING else self.date,
            "text": self.text,
            "holder": lineage.holder_ura,
            "holder_name": lineage.holder_name,
            "step": self.fetched.step,
            "reference": self.fetched.full_url,
            "fhir_version": self.fetched.fhir_version,
            "recorder": lineage.recorder,
            "last_updated": lineage.last_updated,
            "fetched_at": rfc3339(lineage.fetched_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A question that was answered, to the end.

    Attributes:
        same: facts that several holders carry.
        conflicts: what they say differently.
        telephones: of organisations by URA, as the care services directory has them.
    """

    usecase: UseCase
    plan: Plan
    sources: Sequence[Source]
    entries: Sequence[Entry]
    end: End
    same: Sequence[SameFact] = ()
    conflicts: Sequence[Conflict] = ()
    telephones: Mapping[str, str] = field(default_factory=dict)

    def of(self, *topics: str) -> list[Entry]:
        """Return the entries about ``topics``."""
        return [entry for entry in self.entries if entry.topic in topics]

    def name(self, ura: str) -> str:
        """Return the name of a holder."""
        return next((each.name for each in self.plan.holders if each.ura == ura), "")

    def standing(self, *topics: str) -> dict[str, Any]:
        """Return how asking about ``topics`` went: ``state`` and ``missing``.

        ``ok`` where something came, ``none_recorded`` where everybody who was asked has nothing, ``not_available`` where it
        could not be had, ``not_asked`` where nobody was asked about it.
        """
        asked, missing = 0, []
        for source in self.sources:
            step = self.step_of(source)
            about = step is None or _topic(step) in topics
            if source.step is not None and not about:
                continue
            asked += source.step is not None or source.state not in COMPLETE
            if source.state not in COMPLETE:
                missing.append(self.missing(source.holder, source.step, source.state))
        if any(entry.topic in topics for entry in self.entries):
            state = "ok"
        elif missing:
            state = "not_available"
        else:
            state = "none_recorded" if asked else "not_asked"
        return {"state": state, "complete": not missing and bool(asked), "missing": missing}

    def missing(self, ura: str, step_id: str | None, state: str) -> dict[str, Any]:
        """Return what could not be had, as every view says it."""
        step = find_step(self.usecase, step_id)
        return {
            "holder": ura,
            "holder_name": self.name(ura),
            "step": step_id,
            "title": None if step is None else {"nl": step.title.nl, "en": step.title.en},
            "state": state,
            "text": {"nl": "niet beschikbaar", "en": "not available"},
        }

    def step_of(self, source: Source) -> Step | None:
        """Return the step that a line is about."""
        return find_step(self.usecase, source.step)


def find_step(usecase: UseCase, step_id: str | None) -> Step | None:
    """Return a step by its id; one id is one thing in all tables of a use case."""
    if step_id is None:
        return None
    return next((step for table in usecase.tables if (step := table.step(step_id)) is not None), None)


def read_entries(usecase: UseCase, fetched: Collection[Fetched]) -> list[Entry]:
    """Return one entry per resource, each once, however many steps brought it."""
    entries: dict[str, Entry] = {}
    for one in fetched:
        if one.full_url in entries:
            continue
        body = _body(one)
        item = describe(body)
        step = find_step(usecase, one.step)
        is_main = step is not None and one.resource.type in step.types.matched
        topic = _topic(step) if step is not None and is_main else TOPICS.get(one.resource.type, "documents")
        entries[one.full_url] = Entry(
            fetched=one, body=body, topic=topic, type=item.type, date=item.date, text=item.text
        )
    return list(entries.values())


def _body(one: Fetched) -> Mapping[str, Any]:
    """Return parsed JSON; what is nested too deep to be parsed is shown by its type alone."""
    try:
        body = msgspec.json.decode(one.resource.raw)
    except (msgspec.MsgspecError, RecursionError):
        body = None
    return body if isinstance(body, dict) else {"resourceType": one.resource.type, "id": one.resource.id}


def _topic(step: Step) -> str:
    return step.topic or TOPICS.get(step.types.matched[0], "documents")
