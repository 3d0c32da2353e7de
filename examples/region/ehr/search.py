"""A ``Search`` against the records: one SQL statement, and what includes bring along.

Conditions are put together from fixed pieces of SQL; every value travels as an argument.
"""

from collections.abc import Iterable, Iterator

from examples.region.ehr.dates import Range, parse_date
from examples.region.ehr.outcome import invalid
from examples.region.ehr.parameters import parameters_of
from examples.region.ehr.query import Criterion, Include, Search, split_token
from examples.region.ehr.records import Records, Stored
from examples.region.organisations import FhirVersion

# A condition in SQL over ``resource r``, and its arguments.
Condition = tuple[str, list[object]]

# What a date must satisfy, by prefix; ``f`` is what is recorded, the arguments are the asked range.
_COMPARISONS = {
    "eq": ("f.low >= ? AND f.high <= ?", "low high"),
    "ne": ("NOT (f.low >= ? AND f.high <= ?)", "low high"),
    "gt": ("f.high > ?", "high"),
    "ge": ("f.high > ?", "low"),
    "lt": ("f.low < ?", "low"),
    "le": ("f.low < ?", "high"),
    "sa": ("f.low >= ?", "high"),
    "eb": ("f.high <= ?", "low"),
}
# Includes of includes are followed this far.
MAX_ITERATIONS = 3


def matches(records: Records, search: Search, version: FhirVersion, *, base: str) -> list[str]:
    """Ids of all resources that match, in the order asked.

    Args:
        records: where they are.
        search: what is asked.
        version: of which records.
        base: our own base URL, by which absolute references are recognised.

    Raises:
        FhirError: a value that is not of its parameter's kind.
    """
    builder = _Builder(records, version, base)
    return builder.identities(search.type, search.criteria, search.sort)


def included(records: Records, search: Search, found: Iterable[Stored], version: FhirVersion) -> list[Stored]:
    """What ``_include`` and ``_revinclude`` add to one page, each resource once and none that is on it already."""
    here = list(found)
    seen = {(one.type, one.id) for one in here}
    added: list[Stored] = []
    step, rules = here, [*search.includes]
    for _ in range(MAX_ITERATIONS):
        names = [name for one in step for rule in rules for name in _forward(records, one, rule, version)]
        if step is here:
            names += [
                name for one in step for rule in search.revincludes for name in _backward(records, one, rule, version)
            ]
        step = []
        for kind, identity in names:
            stored = records.read(version, kind, identity)
            if (kind, identity) in seen or stored is None or stored.deleted:
                continue
            seen.add((kind, identity))
            step.append(stored)
        added += step
        # Only rules that ask for it go on; with ``Type:*`` or ``*`` one round is what real servers do too.
        rules = [rule for rule in search.includes if rule.iterate]
        if not step or not rules:
            break
    return added


def _forward(records: Records, one: Stored, rule: Include, version: FhirVersion) -> Iterator[tuple[str, str]]:
    if rule.type not in ("*", one.type):
        return
    names = [rule.parameter] if rule.parameter != "*" else _reference_parameters(one.type, version)
    for name in names:
        for target in records.targets(version, one.type, one.id, name):
            kind, _, identity = target.partition("/")
            if rule.target in (None, kind):
                yield kind, identity


def _backward(records: Records, one: Stored, rule: Include, version: FhirVersion) -> Iterator[tuple[str, str]]:
    if rule.type == "*":
        return
    names = [rule.parameter] if rule.parameter != "*" else _reference_parameters(rule.type, version)
    for name in names:
        for identity in records.sources(version, rule.type, name, f"{one.type}/{one.id}"):
            yield rule.type, identity


def _reference_parameters(kind: str, version: FhirVersion) -> list[str]:
    return [name for name, parameter in parameters_of(kind, version).items() if parameter.kind == "reference"]


class _Builder:
    """Puts the statement together."""

    def __init__(self, records: Records, version: FhirVersion, base: str) -> None:
        self.records = records
        self.version = version
        self.base = base

    def identities(self, kind: str, criteria: Iterable[Criterion], sort: Iterable[tuple[str, bool]] = ()) -> list[str]:
        where, arguments = ["r.fhir = ?", "r.type = ?", "r.deleted = 0"], [self.version, kind]
        conditions = [self._condition(kind, criterion) for criterion in criteria]
        order, order_arguments = [], []
        for name, descending in sort:
            # Resources without a value come last either way.
            value = "(SELECT {}(COALESCE(f.low, f.text)) FROM found_by f WHERE f.number = r.number AND f.parameter = ?)"
            order.append(f"{value.format('MAX' if descending else 'MIN')} {'DESC' if descending else 'ASC'} NULLS LAST")
            order_arguments.append(name)
        statement = (
            f"SELECT r.id FROM resource r WHERE {' AND '.join(where + [sql for sql, _ in conditions])}"  # noqa: S608  # fixed pieces
            f" ORDER BY {', '.join([*order, 'r.number'])}"
        )
        given = [*arguments, *(one for _, values in conditions for one in values), *order_arguments]
        return self.records.identities(statement, given)

    def _condition(self, kind: str, criterion: Criterion) -> Condition:
        if criterion.reverse is not None:
            return self._referred_from(criterion)
        if criterion.chained is not None:
            return self._chained(criterion)
        name = criterion.parameter
        if criterion.modifier == "missing":
            if criterion.values not in (("true",), ("false",)):
                raise invalid(":missing is true or false")
            found, values = _exists("f.parameter = ?", [name])
            return (f"NOT {found}" if criterion.values == ("true",) else found), values
        alternatives = [self._alternative(kind, criterion, value) for value in criterion.values]
        any_of = " OR ".join(f"({sql})" for sql, _ in alternatives)
        looked_up = f"{name}:identifier" if criterion.modifier == "identifier" else name
        found, values = _exists(
            f"f.parameter = ? AND ({any_of})", [looked_up, *(one for _, given in alternatives for one in given)]
        )
        return (f"NOT {found}" if criterion.modifier == "not" else found), values

    def _alternative(self, kind: str, criterion: Criterion, value: str) -> Condition:
        parameter = parameters_of(kind, self.version)[criterion.parameter]
        match "token" if criterion.modifier == "identifier" else parameter.kind:
            case "token":
                return _token(value)
            case "reference":
                return self._reference(value, criterion.modifier or ("Patient" if parameter.patients_only else None))
            case "date":
                return _date(value)
            case "string":
                return _string(value, criterion.modifier)
            case "uri":
                return "f.text = ?", [value.partition("|")[0]]

    def _reference(self, value: str, kind: str | None) -> Condition:
        """``id``, ``Type/id`` or an absolute URL; one that is not under our base can't be here."""
        local = value.removeprefix(f"{self.base}/")
        if "/" in local:
            return "f.text = ?", [local]
        if kind is not None:
            return "f.text = ?", [f"{kind}/{local}"]
        return "substr(f.text, instr(f.text, '/') + 1) = ?", [local]

    def _chained(self, criterion: Criterion) -> Condition:
        """The reference leads to one of the resources that match the inner condition."""
        assert criterion.chained is not None
        target = criterion.modifier or "Patient"
        targets = [f"{target}/{one}" for one in self.identities(target, [criterion.chained])]
        return _exists(f"f.parameter = ? AND f.text IN ({_marks(targets)})", [criterion.parameter, *targets])

    def _referred_from(self, criterion: Criterion) -> Condition:
        """Some resource that matches the inner condition refers to this one."""
        assert criterion.chained is not None
        assert criterion.reverse is not None
        kind, parameter = criterion.reverse
        referring = self.identities(kind, [criterion.chained])
        targets = [name for one in referring for name in self.records.targets(self.version, kind, one, parameter)]
        return f"r.type || '/' || r.id IN ({_marks(targets)})", list(targets)


def _exists(condition: str, arguments: list[object]) -> Condition:
    return f"EXISTS (SELECT 1 FROM found_by f WHERE f.number = r.number AND {condition})", arguments  # noqa: S608  # fixed pieces


def _marks(values: list[str]) -> str:
    return ", ".join("?" * len(values))


def _token(value: str) -> Condition:
    system, code = split_token(value)
    if system is None:
        return "f.text = ?", [code or ""]
    if code is None:
        return "f.system = ?", [system]
    return "f.system = ? AND f.text = ?", [system, code]


def _string(value: str, modifier: str | None) -> Condition:
    text = value.casefold()
    if modifier == "exact":
        return "f.text = ?", [text]
    if modifier == "contains":
        return "instr(f.text, ?) > 0", [text]
    return "substr(f.text, 1, length(?)) = ?", [text, text]


def _date(value: str) -> Condition:
    prefix, text = (value[:2], value[2:]) if value[:2] in _COMPARISONS else ("eq", value)
    try:
        asked: Range = parse_date(text)
    except ValueError as error:
        raise invalid("not a date") from error
    sql, ends = _COMPARISONS[prefix]
    return sql, [getattr(asked, end) for end in ends.split()]
