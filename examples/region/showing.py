"""A question and its answer on the display: the plan, what comes as it comes, and the merged list with source and date."""

from collections.abc import Mapping, Sequence
from typing import Any

from examples.region.answer import Answer
from examples.region.stage import Stage, StopWatch
from node.cli.items import describe

SHOWN = 12
"""Items of a merged list that are shown, newest first; the rest is counted."""

MAX_TEXT = 72
"""Characters of an item that are shown."""

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
                    stage.display.note(f"not {one['name'] or one['ura']}: {WORDS.get(one['reason'], one['reason'])}")
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
    """Show what was found, newest first, each with its date, source and FHIR version; return how many items there are."""
    items = []
    for answer in answers:
        for line in answer.resources:
            described = describe(line["resource"])
            if described.type in ("Medication", "Organization", "Practitioner", "PractitionerRole"):
                continue  # named by another item
            source = f"{line['lineage']['holder_name']} ({str(line['fhir_version']).upper()})"
            text = described.text if len(described.text) <= MAX_TEXT else f"{described.text[: MAX_TEXT - 1]}…"
            items.append((described.date[:10], source, described.type, text))
    items.sort(key=lambda item: item[0], reverse=True)
    stage.display.rows(items[:limit])
    if len(items) > limit:
        stage.display.note(f"… and {len(items) - limit} older ones")
    return len(items)
