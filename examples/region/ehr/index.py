"""What a resource can be found by: one row per search parameter and value."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from examples.region.data.elements import Json
from examples.region.ehr.dates import FOR_EVER, parse_date
from examples.region.ehr.parameters import Parameter, parameters_of
from examples.region.organisations import FhirVersion


class IndexRow(NamedTuple):
    """One value of one parameter.

    Attributes:
        parameter: its name; ``<name>:identifier`` for the identifier inside a reference.
        system: of a token, empty when it has none.
        text: code of a token, ``Type/id`` of a reference, lower-case text of a string, the uri itself.
        low: begin of a date's range, seconds since 1970.
        high: end of it, exclusive.
    """

    parameter: str
    system: str = ""
    text: str = ""
    low: float | None = None
    high: float | None = None


def index_rows(resource: Json, version: FhirVersion) -> Iterator[IndexRow]:
    """List everything that a resource can be found by."""
    for name, parameter in parameters_of(resource["resourceType"], version).items():
        for path in parameter.paths:
            for value in values_at(resource, path):
                yield from _rows(name, parameter, value)


def values_at(value: Any, path: str) -> Iterator[Any]:
    """Follow a dotted path; lists on the way, and at the end, are taken apart."""
    if isinstance(value, list):
        for one in value:
            yield from values_at(one, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        step, _, rest = path.partition(".")
        if step in value:
            yield from values_at(value[step], rest)


def _rows(name: str, parameter: Parameter, value: Any) -> Iterator[IndexRow]:
    match parameter.kind, value:
        case "token", {"coding": list(codings)}:
            for coding in codings:
                yield IndexRow(name, coding.get("system", ""), coding.get("code", ""))
        case "token", {"value": str(text)}:  # Identifier
            yield IndexRow(name, value.get("system", ""), text)
        case "token", {"code": str(text)}:  # Coding
            yield IndexRow(name, value.get("system", ""), text)
        case "token", bool(flag):
            yield IndexRow(name, "", "true" if flag else "false")
        case "token", str(text):
            yield IndexRow(name, "", text)
        case "reference", dict(reference):
            yield from _reference_rows(name, parameter, reference)
        case "date", str(text):
            low, high = parse_date(text)
            yield IndexRow(name, low=low, high=high)
        case "date", dict(period):
            low = parse_date(period["start"]).low if "start" in period else 0.0
            high = parse_date(period["end"]).high if "end" in period else FOR_EVER
            yield IndexRow(name, low=low, high=high)
        case "string", str(text):
            yield IndexRow(name, text=text.casefold())
        case "uri", str(text):
            yield IndexRow(name, text=text)
        case _:
            pass  # a value of another shape is not searchable


def _reference_rows(name: str, parameter: Parameter, reference: Json) -> Iterator[IndexRow]:
    target = reference.get("reference")
    if isinstance(target, str) and not (parameter.patients_only and not target.startswith("Patient/")):
        yield IndexRow(name, text=target)
    identifier = reference.get("identifier")
    if isinstance(identifier, dict) and "value" in identifier:
        yield IndexRow(f"{name}:identifier", identifier.get("system", ""), identifier["value"])
