"""From bindings to the FHIR requests of a step: what the asker sends, and what the holder forwards.

Requests are built from the table's own text and checked values; nothing that a peer wrote is copied into one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Literal
from urllib.parse import quote

from node.usecases.model import Alternative, FhirVersion, Step, Table, UseCase
from node.usecases.parameters import check_binding

MAX_REQUESTS_PER_STEP = 16
"""One citizen may have several records at a holder, but not without end."""

PREFERRED_VERSIONS: tuple[FhirVersion, ...] = ("r4", "stu3")
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirRequest:
    """One request to a FHIR server, relative to its base.

    Attributes:
        path: below the base, without leading slash; plain ASCII.
        query: names and values for the URL, not encoded; never a BSN.
        form: names and values for the body, not encoded; may hold a BSN.
    """

    method: Literal["GET", "POST"]
    path: str
    query: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @property
    def target(self) -> str:
        """Path and percent-encoded query, to be put behind the base and a slash."""
        return f"{self.path}?{encode(self.query)}" if self.query else self.path

    @property
    def body(self) -> bytes | None:
        """The body as a form, ``None`` for a GET."""
        return encode(self.form).encode() if self.method == "POST" else None


def encode(pairs: Sequence[tuple[str, str]]) -> str:
    """Percent-encode names and values; a space becomes ``%20``, which every server reads the same way."""
    return "&".join(f"{_encode_name(name)}={quote(value, safe='')}" for name, value in pairs)


@lru_cache(maxsize=256)
def _encode_name(name: str) -> str:
    """Percent-encode the name of a parameter; there are a few, and they stand in the tables. Values are never remembered."""
    return quote(name, safe=":")


def choose_table(
    usecase: UseCase, *, asker_type: str, holder_type: str, offered: Sequence[FhirVersion]
) -> Table | None:
    """Return the table by which ``asker_type`` asks ``holder_type``; R4 before STU3 where the holder offers both.

    ``None`` means that the use case has nothing for these two: the holder is not asked.
    """
    for version in PREFERRED_VERSIONS:
        if version not in offered:
            continue
        for table in usecase.tables:
            fits = asker_type in table.asker_types and holder_type in table.holder_types
            if fits and table.fhir_version == version:
                return table
    return None


def plan_step(step: Step, bindings: Mapping[str, Sequence[str]]) -> tuple[FhirRequest, ...]:
    """Return the requests of ``step``: one per combination of bound values, mostly one.

    Args:
        step: of the table that both sides use.
        bindings: name -> values; ``bsn`` and what earlier steps bound. A name without values gives no requests.

    Raises:
        KeyError: a binding that the step needs is missing.
        ValueError: a value is not of the kind that may stand there.
    """
    alternative = Alternative(params=step.send)
    combined = list(_combinations(step, bindings))
    if len(combined) > MAX_REQUESTS_PER_STEP:
        raise ValueError(f"more than {MAX_REQUESTS_PER_STEP} records to ask for")
    return tuple(build_request(step, alternative, chosen) for chosen in combined)


def build_request(
    step: Step, alternative: Alternative, bindings: Mapping[str, str], *, extra: Sequence[tuple[str, str]] = ()
) -> FhirRequest:
    """Return the request of ``step`` in the form of ``alternative``, with one value per binding.

    Args:
        step: of the table that both sides use.
        alternative: one of the step's own forms.
        bindings: name -> value.
        extra: further parameters that the caller made itself, such as ``_count``.

    Raises:
        KeyError: a binding is missing.
        ValueError: a value is not of the kind that may stand there.
    """
    if step.read_binding is not None:
        value = bindings[step.read_binding]
        check_binding(step.read_binding, value)
        return FhirRequest(method="GET", path=f"{step.resource_type}/{value}")
    pairs = (*(parameter.fill(bindings) for parameter in alternative.params), *extra)
    if step.method == "POST":
        return FhirRequest(method="POST", path=f"{step.resource_type}/_search", form=pairs)
    operation = step.operation_of(alternative)
    path = f"{step.resource_type}/{operation}" if operation else step.resource_type
    return FhirRequest(method="GET", path=path, query=pairs)


def _combinations(step: Step, bindings: Mapping[str, Sequence[str]]) -> Iterator[Mapping[str, str]]:
    names = sorted(step.needs)
    for values in product(*(bindings[name] for name in names)):
        yield dict(zip(names, values, strict=True))
