"""A search as it was asked (FHIR R4 search): parameters in, conditions out, or one error that lists what can be asked.

Nothing is ignored: a parameter that is not known would quietly widen what is found. All conditions have to hold; of the
alternatives in one (``a,b``) any.

>>> search = Search.parse("Organization", [("name:contains", "linde"), ("identifier", "http://fhir.nl/fhir/NamingSystem/ura|90000102")])
>>> [condition.parameter.name for condition in search.conditions]
['name', 'identifier']
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Self, cast, get_args

from credentials.errors import MalformedError
from registry.mcsd.errors import SearchError
from registry.mcsd.parameters import PARAMETERS, Parameter, references_of
from registry.mcsd.resource import LOAD_ORDER, ResourceType, is_id, resource_type
from registry.mcsd.values import folded, span

DEFAULT_COUNT: Final = 50
MAX_COUNT: Final = 500
"""Most matches on a page; who asks for more gets this many and a link."""
MAX_PARAMETERS: Final = 32
MAX_ALTERNATIVES: Final = 50
MAX_CURSOR_DIGITS: Final = 18

CURSOR: Final = "_cursor"
"""Our own: where the next page begins."""
RESULT_PARAMETERS: Final = (
    "_id",
    "_lastUpdated",
    "_count",
    "_include",
    "_revinclude",
    "_total",
    "_summary",
    "_format",
    CURSOR,
)

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]
TextMode = Literal["starts", "contains", "exact"]

_PREFIXES: Final = frozenset(get_args(Prefix))
_SPLIT = re.compile(r"(?:[^\\,]|\\.)+", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_JSON_FORMATS: Final = frozenset(
    {"json", "application/json", "application/fhir+json", "application/fhir json"}
)  # + is a space in a query


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIs:
    """Has one of these tokens, or none of them.

    Attributes:
        tokens: system and code; a None stands for any, an empty system for none.
        negated: ``:not``.
    """

    parameter: Parameter
    tokens: tuple[tuple[str | None, str | None], ...]
    negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TextIs:
    """Has a text like one of these; folded, but for ``exact``."""

    parameter: Parameter
    mode: TextMode
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefersTo:
    """Refers to one of these: ``Type/id`` in the replica."""

    parameter: Parameter
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DateIs:
    """A moment or period, compared with one of these spans (FHIR R4 §3.1.1.4.7).

    Attributes:
        parameter: None for ``_lastUpdated``.
        spans: prefix, first and last millisecond since 1970.
    """

    parameter: Parameter | None
    spans: tuple[tuple[Prefix, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IsMissing:
    """Has no value at all (``:missing=true``), or has one."""

    parameter: Parameter
    missing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Through:
    """Refers to something that is so (``organization.identifier=…``).

    Attributes:
        conditions: one per type that it may lead to; any of them has to hold.
    """

    parameter: Parameter
    conditions: tuple[tuple[ResourceType, "Condition"], ...]


Condition = TokenIs | TextIs | RefersTo | DateIs | IsMissing | Through


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for.

    Attributes:
        ids: ``_id``, each a list of alternatives.
        includes: parameters of this type whose targets come along.
        reverse: parameters of other types: what refers to a match comes along.
        after: row in the replica behind which this page begins.
        wants_total: count all matches.
        wants_entries: False when only the number was asked for.
    """

    type: ResourceType
    conditions: tuple[Condition, ...] = ()
    ids: tuple[tuple[str, ...], ...] = ()
    includes: tuple[Parameter, ...] = ()
    reverse: tuple[Parameter, ...] = ()
    count: int = DEFAULT_COUNT
    after: int = 0
    wants_total: bool = False
    wants_entries: bool = True
    asked: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    @classmethod
    def parse(cls, kind: ResourceType, pairs: Sequence[tuple[str, str]]) -> Self:
        """Read the parameters of a search for one type.

        Args:
            kind: what is looked for.
            pairs: names and values, decoded, in the order in which they were given.

        Raises:
            SearchError: a parameter is not known or malformed. Does not repeat what was sent.
        """
        if len(pairs) > MAX_PARAMETERS:
            raise SearchError(f"more than {MAX_PARAMETERS} parameters", "ask for less at a time")
        reader = _Reader(kind)
        for name, value in pairs:
            reader.read(name, value)
        return cls(
            type=kind,
            conditions=tuple(reader.conditions),
            ids=tuple(reader.ids),
            includes=tuple(dict.fromkeys(reader.includes)),
            reverse=tuple(dict.fromkeys(reader.reverse)),
            count=reader.count,
            after=reader.after,
            wants_total=reader.wants_total,
            wants_entries=reader.wants_entries,
            asked=tuple(pairs),
        )


def known_parameters(kind: ResourceType) -> str:
    """What can be asked of a type, for people."""
    return ", ".join([*PARAMETERS[kind], *RESULT_PARAMETERS])


class _Reader:
    """Reads one parameter after the other."""

    def __init__(self, kind: ResourceType) -> None:
        self.kind = kind
        self.conditions: list[Condition] = []
        self.ids: list[tuple[str, ...]] = []
        self.includes: list[Parameter] = []
        self.reverse: list[Parameter] = []
        self.count, self.after = DEFAULT_COUNT, 0
        self.wants_total, self.wants_entries = False, True
        self._single: set[str] = set()

    def read(self, name: str, value: str) -> None:
        if "\0" in name or "\0" in value:
            raise self._wrong("there is a NUL in a parameter")
        match name:
            case "_id":
                self.ids.append(self._ids(value))
            case "_lastUpdated":
                self.conditions.append(DateIs(parameter=None, spans=self._spans(name, value)))
            case "_include":
                self.includes += self._inclusions(name, value, of=self.kind)
            case "_revinclude":
                self.reverse += self._inclusions(name, value, to=self.kind)
            case "_count" | "_total" | "_summary" | "_format" | "_cursor":
                self._once(name, value)
            case _:
                self.conditions.append(self._condition(self.kind, name, value))

    def _once(self, name: str, value: str) -> None:
        """Parameters about the answer: each at most once."""
        if name in self._single:
            raise self._wrong(f"{name} is given twice")
        self._single.add(name)
        match name, value:
            case ("_count", _):
                self.count = min(self._number(name, value), MAX_COUNT)
                self.wants_entries = self.wants_entries and self.count > 0
                self.wants_total = self.wants_total or self.count == 0
            case ("_cursor", _):
                self.after = self._number(name, value)
            case ("_total", "accurate" | "estimate"):
                self.wants_total = True
            case ("_summary", "count"):
                self.wants_total, self.wants_entries = True, False
            case ("_total", "none") | ("_summary", "false"):
                pass
            case ("_format", _) if value.lower() in _JSON_FORMATS:
                pass
            case ("_format", _):
                raise self._wrong("only JSON is spoken here", "leave _format out, or send _format=json")
            case _:
                raise self._wrong(f"{name} has a value that is not known")

    def _condition(self, kind: ResourceType, name: str, value: str, *, chained: bool = False) -> Condition:
        # (1) through a reference: organization.identifier, or organization:Organization.identifier
        head, dot, rest = name.partition(".")
        bare, _, modifier = head.partition(":")
        parameter = PARAMETERS[kind].get(bare)
        if parameter is None:
            raise self._wrong(f"there is a parameter that is not known for {kind}")
        if dot:
            if chained or parameter.kind != "reference" or (modifier and modifier not in parameter.targets):
                raise self._wrong("there is a parameter that leads nowhere, or further than one reference")
            targets = [each for each in parameter.targets if modifier in {"", each}]
            through = tuple((each, self._condition(each, rest, value, chained=True)) for each in targets)
            return Through(parameter=parameter, conditions=through)
        # (2) whether there is a value at all
        if modifier == "missing":
            if value not in {"true", "false"}:
                raise self._wrong(f"{bare}:missing is true or false")
            return IsMissing(parameter=parameter, missing=value == "true")
        # (3) one of the values
        match parameter.kind, modifier:
            case "token", "" | "not":
                tokens = tuple(self._token(each) for each in self._alternatives(bare, value))
                return TokenIs(parameter=parameter, tokens=tokens, negated=modifier == "not")
            case "string", "" | "contains" | "exact":
                mode: TextMode = modifier or "starts"
                texts = [_unescaped(each) for each in self._alternatives(bare, value)]
                return TextIs(
                    parameter=parameter,
                    mode=mode,
                    texts=tuple(each if mode == "exact" else folded(each) for each in texts),
                )
            case "reference", _ if not modifier or modifier in parameter.targets:
                given = self._alternatives(bare, value)
                kinds = [each for each in parameter.targets if modifier in {"", each}]
                return RefersTo(parameter=parameter, targets=tuple(self._target(bare, each, kinds) for each in given))
            case "date", "":
                return DateIs(parameter=parameter, spans=self._spans(bare, value))
            case _:
                raise self._wrong(f"{bare} has a modifier that is not known")

    def _alternatives(self, name: str, value: str) -> list[str]:
        found = _SPLIT.findall(value)
        if not found or len(found) != len(re.sub(r"\\.", "", value, flags=re.DOTALL).split(",")):
            raise self._wrong(f"{name} has an empty value")
        if len(found) > MAX_ALTERNATIVES:
            raise self._wrong(f"{name} has more than {MAX_ALTERNATIVES} values")
        return cast("list[str]", found)

    def _token(self, text: str) -> tuple[str | None, str | None]:
        parts = re.split(r"(?<!\\)\|", text)
        if len(parts) == 1:
            return None, _unescaped(text)
        system, code = (_unescaped(each) for each in (parts[0], "|".join(parts[1:])))
        if not system and not code:
            raise self._wrong("a token has neither system nor code")
        return system, code or None

    def _target(self, name: str, text: str, kinds: Sequence[ResourceType]) -> str:
        kind, slash, identifier = text.rpartition("/")
        if not is_id(identifier) or (slash and kind not in kinds) or (not slash and len(kinds) != 1):
            raise self._wrong(f"{name} is an id, or {' or '.join(f'{each}/id' for each in kinds)}")
        return f"{kind or kinds[0]}/{identifier}"

    def _spans(self, name: str, value: str) -> tuple[tuple[Prefix, int, int], ...]:
        found: list[tuple[Prefix, int, int]] = []
        for each in self._alternatives(name, value):
            prefix, text = (each[:2], each[2:]) if each[:2] in _PREFIXES else ("eq", each)
            try:
                found.append((cast("Prefix", prefix), *span(text)))
            except MalformedError:
                raise self._wrong(f"{name} is no date; a time needs a time zone, and + is written %2B") from None
        return tuple(found)

    def _ids(self, value: str) -> tuple[str, ...]:
        found = tuple(self._alternatives("_id", value))
        if not all(map(is_id, found)):
            raise self._wrong("_id is not an id")
        return found

    def _inclusions(
        self, name: str, value: str, *, of: ResourceType | None = None, to: ResourceType | None = None
    ) -> list[Parameter]:
        """``Type:parameter[:target]``, ``Type:*`` or ``*``."""
        head, _, rest = value.partition(":")
        wanted, _, target = rest.partition(":")
        # (1) whose references
        kinds = [of] if of is not None else list(LOAD_ORDER)
        if (head, rest) != ("*", ""):
            kind = resource_type(head)
            if kind is None or kind not in kinds:
                raise self._wrong(f"{name} names a type that can not be included from here")
            kinds = [kind]
        # (2) which of them
        found = [
            each
            for kind in kinds
            for each in references_of(kind)
            if (wanted in {"*", each.name} or head == "*")
            and (not target or target in each.targets)
            and (to is None or to in each.targets)
        ]
        if not found:
            known = [
                f"{each.type}:{each.name}"
                for kind in kinds
                for each in references_of(kind)
                if to is None or to in each.targets
            ]
            raise self._wrong(f"{name} names no reference", f"known here: {', '.join(known)}")
        return found

    def _number(self, name: str, value: str) -> int:
        if not (value.isascii() and value.isdigit()) or len(value) > MAX_CURSOR_DIGITS:
            raise self._wrong(f"{name} is a whole number")
        return int(value)

    def _wrong(self, message: str, remedy: str | None = None) -> SearchError:
        return SearchError(message, remedy or f"known for {self.kind}: {known_parameters(self.kind)}")


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text
