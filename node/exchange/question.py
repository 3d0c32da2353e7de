"""What a vendor's system asks: ``POST /internal/exchange/v1/{subject}/{usecase}`` (API.md §2), checked as a whole.

Unknown members are refused: a misspelt ``holder`` must not become a question to everybody.
"""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from node.audit.pseudonym import holds_bsn
from node.usecases.identifiers import BSN_SYSTEM, is_bsn
from node.usecases.model import Purpose, Slug

MAX_HOLDERS = 100
MAX_REASON_BYTES = 500
"""Of a break-the-glass reason, on the wire (LANDSCAPE §6.6)."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Ura = Annotated[str, StringConstraints(pattern=r"^[0-9]{8}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


class Patient(_Part):
    """The citizen, by citizen service number."""

    system: str
    value: str = Field(repr=False)

    @model_validator(mode="after")
    def _a_bsn(self) -> Self:
        if self.system != BSN_SYSTEM:
            raise ValueError(f"system must be {BSN_SYSTEM}")
        if not is_bsn(self.value):
            raise ValueError("value is not a citizen service number")
        return self


class AskingUser(_Part):
    """The person who asks, as the vendor's system states."""

    identifier: Text
    name: Text
    role: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}\.[0-9]{3}$")]

    @model_validator(mode="after")
    def _no_citizen_number(self) -> Self:
        if holds_bsn(self.identifier) or holds_bsn(self.name):
            raise ValueError("a citizen service number is not an identifier of a user: it would be recorded by others")
        return self


class BreakGlass(_Part):
    """Why the glass is broken."""

    reason: Text

    @model_validator(mode="after")
    def _fits_a_header(self) -> Self:
        if len(self.reason.encode()) > MAX_REASON_BYTES:
            raise ValueError(f"reason is longer than {MAX_REASON_BYTES} bytes")
        return self


class Question(_Part):
    """One exchange.

    Attributes:
        holders: URA numbers to ask; replaces localisation.
        steps: narrows the query table; the patient match is always asked.
        deadline_ms: for the whole question.
        fresh: fetch everything, also what the same person was shown in the last minutes.
    """

    patient: Patient
    user: AskingUser
    purpose: Purpose
    holders: Annotated[tuple[Ura, ...], Field(min_length=1, max_length=MAX_HOLDERS)] | None = None
    steps: Annotated[tuple[Slug, ...], Field(min_length=1, max_length=64)] | None = None
    deadline_ms: Annotated[int, Field(strict=True, ge=500, le=60_000)] | None = None
    break_glass: BreakGlass | None = None
    fresh: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _glass_and_purpose(self) -> Self:
        if (self.break_glass is not None) != (self.purpose == "BTG"):
            raise ValueError("break_glass goes with purpose BTG, and only with it")
        return self
