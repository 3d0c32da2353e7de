"""One agreement as it is kept."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

from node.usecases.vocabulary import Slug, Ura

MAX_AGREEMENTS = 1_000
"""Of one organisation."""


class NewAgreement(BaseModel):
    """``{"ura": "90000102", "usecase": "ha-vvt", "document": "contract 2026-14", "start": "2026-01-01", "end": "2027-01-01"}``.

    Attributes:
        document: where it stands, in the operator's words.
        start: first day; ``end`` the last one, ``None`` for an open end. Days are in UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)

    ura: Ura
    usecase: Slug
    document: Annotated[str, StringConstraints(min_length=1, max_length=500, strip_whitespace=True)]
    start: date
    end: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end is not None and self.end < self.start:
            raise ValueError("end is before start")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """An agreement; ``id`` is a UUID, the days are inclusive."""

    id: str
    ura: str
    usecase: str
    document: str
    start: date
    end: date | None

    def runs(self, today: date) -> bool:
        """Tell whether it counts on this day."""
        return self.start <= today and (self.end is None or today <= self.end)

    def to_json(self) -> dict[str, Any]:
        """Return it for our own operator."""
        return {
            "id": self.id,
            "ura": self.ura,
            "usecase": self.usecase,
            "document": self.document,
            "start": self.start.isoformat(),
            "end": None if self.end is None else self.end.isoformat(),
        }
