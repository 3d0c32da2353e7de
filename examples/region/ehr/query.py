"""The text of a search, read into a ``Search``: nothing is dropped, and what is not known is an error.

As on real servers the parameters of the URL and of a posted form are one list; a name that occurs twice means "and", a
comma inside a value means "or". An unknown parameter is refused with 400, also under ``Prefer: handling=lenient``.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qsl

from examples.region.ehr.outcome import FhirError, invalid
from examples.region.ehr.parameters import PARAMETERS, Parameter, parameters_of
from examples.region.organisations import FhirVersion

DEFAULT_COUNT = 10
MAX_COUNT = 500
# Limits on what a search may hold; far above what a client needs.
MAX_PARAMETERS = 100
FORMATS = frozenset({"json", "application/json", "application/fhir+json", "application/json+fhir"})
MODIFIERS: Mapping[str, frozenset[str]] = {
    "token": frozenset({"not", "missing"}),
    "reference": frozenset({"identifier", "missing", *PARAMETERS}),
    "date": frozenset({"missing"}),
    "string": frozenset({"exact", "contains", "missing"}),
    "uri": frozenset({"missing"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """One condition on the resources of a type.

    Attributes:
        parameter: name of the search parameter.
        modifier: what stood behind a colon, or None.
        values: any of these; already split at commas.
        chained: a condition on the resource that the reference leads to (``patient.identifier=…``).
        reverse: type and parameter of a resource that refers to this one (``_has:Observation:patient:…``).
    """

    parameter: str
    modifier: str | None = None
    values: tuple[str, ...] = ()
    chained: "Criterion | None" = None
    reverse: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """One ``_include`` or ``_revinclude``; ``parameter`` ``*`` stands for all of the type."""

    type: str
    parameter: str
    target: str | None = None
    iterate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search as it was asked.

    Attributes:
        sort: parameter names, each with True for descending.
        elements: names of the members to return, empty for all.
        counting: only the total is wanted.
        asked: the parameters as they came, for the self link.
    """

    type: str
    criteria: tuple[Criterion, ...]
    includes: tuple[Include, ...] = ()
    revincludes: tuple[Include, ...] = ()
    sort: tuple[tuple[str, bool], ...] = ()
    count: int = DEFAULT_COUNT
    elements: tuple[str, ...] = ()
    counting: bool = False
    asked: tuple[tuple[str, str], ...] = ()


def read_pairs(text: str | bytes) -> list[tuple[str, str]]:
    """Decode a query string or a form, in order.

    Raises:
        FhirError: broken UTF-8, or too many parameters.
    """
    try:
        raw = text.decode("ascii") if isinstance(text, bytes) else text
        return parse_qsl(raw, keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=MAX_PARAMETERS)
    except ValueError as error:  # UnicodeDecodeError is one
        raise invalid("the parameters cannot be decoded") from error


def read_search(kind: str, pairs: Iterable[tuple[str, str]], version: FhirVersion) -> Search:
    """Read the parameters of a search for one resource type.

    Raises:
        FhirError: an unknown parameter, modifier or include, or a value that is not of its kind.
    """
    asked = tuple(pairs)
    reader = _Reader(kind, version)
    for name, value in asked:
        reader.take(name, value)
    return Search(
        type=kind,
        criteria=tuple(reader.criteria),
        includes=tuple(reader.includes),
        revincludes=tuple(reader.revincludes),
        sort=tuple(reader.sort),
        count=reader.count,
        elements=tuple(reader.elements),
        counting=reader.counting,
        asked=asked,
    )


@dataclass(slots=True)
class _Reader:
    """Takes one parameter after the other."""

    kind: str
    version: FhirVersion
    criteria: list[Criterion] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    revincludes: list[Include] = field(default_factory=list)
    sort: list[tuple[str, bool]] = field(default_factory=list)
    count: int = DEFAULT_COUNT
    elements: list[str] = field(default_factory=list)
    counting: bool = False

    def take(self, name: str, value: str) -> None:
        base, _, modifier = name.partition(":")
        match base:
            case "_format":
                if value.partition(";")[0] not in FORMATS:
                    raise FhirError(HTTPStatus.NOT_ACCEPTABLE, "not-supported", "only JSON is served")
            case "_pretty" | "_total":
                pass  # the answer is the same: the total is always exact
            case "_count":
                self.count = _number(value)
            case "_sort":
                self.sort += [self._sorting(one) for one in value.split(",")]
            case "_elements":
                self.elements += value.split(",")
            case "_summary":
                self._summary(value)
            case "_include":
                self.includes.append(self._include(value, modifier))
            case "_revinclude":
                self.revincludes.append(self._include(value, modifier))
            case "_has":
                self.criteria.append(self._has(modifier, value))
            case _:
                self.criteria.append(read_criterion(self.kind, name, value, self.version))

    def _sorting(self, text: str) -> tuple[str, bool]:
        name = text.removeprefix("-")
        if name not in parameters_of(self.kind, self.version):
            raise _unknown(self.kind, name, self.version)
        return name, text.startswith("-")

    def _summary(self, value: str) -> None:
        if value not in ("count", "false"):
            raise invalid("of _summary only count and false are supported")
        self.counting = value == "count"

    def _include(self, value: str, modifier: str) -> Include:
        if modifier not in ("", "iterate", "recurse"):
            raise invalid(f"unknown modifier of an include: {modifier}")
        if value == "*":
            return Include(type="*", parameter="*")
        kind, _, rest = value.partition(":")
        parameter, _, target = rest.partition(":")
        if kind not in PARAMETERS or parameter == "":
            raise invalid(f"not an include: {value}")
        known = parameters_of(kind, self.version).get(parameter)
        if parameter != "*" and (known is None or known.kind != "reference"):
            raise invalid(f"not an include: {value}")
        return Include(type=kind, parameter=parameter, target=target or None, iterate=modifier != "")

    def _has(self, modifier: str, value: str) -> Criterion:
        kind, _, rest = modifier.partition(":")
        parameter, _, inner = rest.partition(":")
        known = parameters_of(kind, self.version).get(parameter) if kind in PARAMETERS else None
        if known is None or known.kind != "reference" or not inner:
            raise invalid("not a _has parameter")
        chained = read_criterion(kind, inner, value, self.version)
        return Criterion(parameter="_has", chained=chained, reverse=(kind, parameter))


def read_criterion(kind: str, name: str, value: str, version: FhirVersion) -> Criterion:
    """Read one condition, with its modifier or its chain.

    Raises:
        FhirError: no such parameter or modifier.
    """
    head, dot, chain = name.partition(".")
    base, _, modifier = head.partition(":")
    parameter = parameters_of(kind, version).get(base)
    if parameter is None:
        raise _unknown(kind, base, version)
    if modifier and modifier not in MODIFIERS[parameter.kind]:
        raise invalid(f"unknown modifier {modifier} of {base}")
    if dot:
        target = _chain_target(parameter, modifier)
        inner = read_criterion(target, chain, value, version)
        return Criterion(parameter=base, modifier=target, chained=inner)
    return Criterion(parameter=base, modifier=modifier or None, values=tuple(_alternatives(value)))


def split_token(value: str) -> tuple[str | None, str | None]:
    r"""Split ``system|code``: None for a part that may be anything. ``\|`` is a bar inside a part.

    ``code`` is any system, ``|code`` no system (empty text), ``system|`` any code.
    """
    parts = re.split(r"(?<!\\)\|", value, maxsplit=1)
    if len(parts) == 1:
        return None, _unescape(parts[0])
    return _unescape(parts[0]), _unescape(parts[1]) or None


def _chain_target(parameter: Parameter, modifier: str) -> str:
    if parameter.kind != "reference":
        raise invalid("only references can be chained")
    if modifier:
        return modifier
    if parameter.patients_only or parameter.paths == ("subject",):
        return "Patient"
    raise invalid("a chain needs the type of its target")


def _alternatives(value: str) -> list[str]:
    return [part.replace(r"\,", ",") for part in re.split(r"(?<!\\),", value)]


def _unescape(text: str) -> str:
    return re.sub(r"\\([|$\\])", r"\1", text)


def _number(value: str) -> int:
    if not value.isascii() or not value.isdigit():
        raise invalid("_count is not a number")
    return min(int(value[:9]), MAX_COUNT)


def _unknown(kind: str, name: str, version: FhirVersion) -> FhirError:
    known = ", ".join(sorted(parameters_of(kind, version)))
    return invalid(f"Unknown search parameter {name!r} for resource type {kind!r}. Valid are: {known}")
