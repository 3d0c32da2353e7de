"""A question and its answer on the display: the plan, what comes as it comes, and the merged list with source and date."""

from collections.abc import Mapping, Sequence
from typing import Any

from examples.region.answer import Answer
from examples.region.stage import Stage, StopWatch
from node.exchange.views.items import describe

SHOWN = 5
"""Items of one source that are shown in a merged list, newest first; the rest is counted."""

MAX_TEXT = 72
"""Characters of an item that are shown."""

NAMED_BY_OTHERS = frozenset({"Medication", "Organization", "Practitioner", "PractitionerRole"})
"""Resources that an item of the list names; they are no items themselves."""

WORDS = {
    "own_organisation": "that is ourselves",
    "not_registered": "not in this use case's discovery service",
    "no_endpoint": "has no address there",
    "no_ura": "the care team has no number for it",
    "not_in_use_case": "the use case has nothing between us",
}

Line = Mapping[str, Any]


class LiveAnswer:
    """Shows the lines of one answer as they arrive, with the time since the question was put."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._watch = StopWatch()
        self.first_resource_ms: int | None = None

    def __call__(self, line: Line) -> None:
        """Show ``line``."""
        stage, ms = self._stage, self._watch.ms
        match line["type"]:
            case "plan":
                for one in line["holders"]:
                    stage.display.note(
                        f"asks {one['name']} ({str(one['fhir_version']).upper()}), found by {one['found_by']}"
                    )
                for one in line["not_asked"]:
                    stage.display.note(
                        f"not asked: {one['name'] or one['ura']}, {WORDS.get(one['reason'], one['reason'])}"
                    )
            case "resource":
                if self.first_resource_ms is None:
                    self.first_resource_ms = ms
            case "source":
                step = line.get("step") or "as a whole"
                reason = f" ({line['reason']})" if line.get("reason") else ""
                stage.display.note(
                    f"{ms:5} ms  {stage.name(str(line['holder'])):<26}  {step:<22}  {line['state']}{reason}, {line['count']}"
                )
            case _:
                pass


def show_merged(stage: Stage, answers: Sequence[Answer], *, limit: int = SHOWN) -> int:
    """Show what was found as one list, newest first, each with its date and source; return how many items there are."""
    by_source: dict[str, list[tuple[str, str, str, str]]] = {}
    for answer in answers:
        for line in answer.resources:
            described = describe(line["resource"])
            if described.type in NAMED_BY_OTHERS:
                continue
            source = f"{line['lineage']['holder_name']} ({str(line['fhir_version']).upper()})"
            date = described.date if described.date[:1].isdigit() else str(line["lineage"]["last_updated"])
            by_source.setdefault(source, []).append((date[:10], source, described.type, _short(described.text)))
    shown = [item for items in by_source.values() for item in sorted(items, reverse=True)[:limit]]
    stage.display.rows(sorted(shown, key=lambda item: item[0], reverse=True))
    count = sum(len(items) for items in by_source.values())
    if count > len(shown):
        stage.display.note(f"… and {count - len(shown)} older ones")
    return count


def _short(text: str) -> str:
    """Shorten ``text``, but never by its status: what was stopped must not look like what goes on."""
    if len(text) <= MAX_TEXT:
        return text
    status = text[text.rfind(" [") :] if text.endswith("]") else ""
    return f"{text[: MAX_TEXT - 1 - len(status)]}…{status}"
