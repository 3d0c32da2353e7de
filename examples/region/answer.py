"""The answer to a question as a vendor's software reads it: the lines of the stream, sorted out (API.md §2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

Line = Mapping[str, Any]
Place = tuple[str, str | None]
"""A holder's URA, and a step, or ``None`` for the holder as a whole."""


class AnswerShapeError(Exception):
    """The stream is not one: its first line, last line or an order that API.md promises is missing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything that came.

    Attributes:
        plan: first line.
        sources: how asking went, in the order in which it was told.
        resources: what was found, in the order of arrival.
        end: last line.
    """

    plan: Line
    sources: tuple[Line, ...]
    resources: tuple[Line, ...]
    end: Line

    @classmethod
    def of(cls, lines: Sequence[Line]) -> Self:
        """Sort out ``lines``.

        Raises:
            AnswerShapeError: no plan at the start or no end at the end.
        """
        kinds = [line["type"] for line in lines]
        if kinds[-1:] != ["end"] or kinds.count("end") != 1:
            raise AnswerShapeError("the stream has no end line")
        if kinds[0] != "plan" or kinds.count("plan") != 1:
            error = lines[-1].get("error") or {}
            raise AnswerShapeError(f"the stream has no plan ({error.get('code', 'and no error')})")
        return cls(
            lines[0],
            tuple(line for line in lines if line["type"] == "source"),
            tuple(line for line in lines if line["type"] == "resource"),
            lines[-1],
        )

    @property
    def asked(self) -> dict[str, str]:
        """URA to FHIR version of those who are asked."""
        return {str(one["ura"]): str(one["fhir_version"]) for one in self.plan["holders"]}

    @property
    def not_asked(self) -> dict[str, str]:
        """URA to reason of those who are not."""
        return {str(one["ura"]): str(one["reason"]) for one in self.plan["not_asked"]}

    @property
    def states(self) -> dict[Place, str]:
        """How each step (or holder) ended."""
        return {(str(one["holder"]), one.get("step")): str(one["state"]) for one in self.sources}

    @property
    def counts(self) -> dict[Place, int]:
        """How much each step found."""
        return {(str(one["holder"]), one.get("step")): int(one["count"]) for one in self.sources}

    @property
    def missing(self) -> set[tuple[str, str | None, str]]:
        """Holder, step and state of what could not be had."""
        return {(str(one["holder"]), one.get("step"), str(one["state"])) for one in self.end["missing"]}

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return bool(self.end["complete"])

    @property
    def ms(self) -> int:
        """How long it took, by the node."""
        return int(self.end["ms"])

    def of_holder(self, ura: str) -> tuple[Line, ...]:
        """Resources that came from one holder."""
        return tuple(line for line in self.resources if line["holder"] == ura)
