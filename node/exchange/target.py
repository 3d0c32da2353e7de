"""The path of a FHIR request, behind the base: which of FHIR's interactions it names (FHIR R4 §3.1.0, STU3 §2.21).

Plain text only: an escape or a climbing part would be read differently by the server behind. Every form that FHIR has gets its
name here, also those that no use case can allow, so that the record says what was tried.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from node.exchange.unlisted import NotAllowedError
from node.usecases.identifiers import is_fhir_id, is_resource_type

Kind = Literal[
    "search", "read", "page", "capabilities",
    "create", "update", "patch", "delete", "vread", "history", "operation", "compartment", "system_search", "batch",
    "head", "options",
]  # fmt: skip
"""What a request does. Only the first four and ``create`` and ``update`` and one ``operation`` can be listed by a use case."""

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
"""Of HTTP, those that FHIR gives a meaning."""

_PLAIN_PATH = re.compile(r"[A-Za-z0-9._$\-/*]*\Z")
_OPERATION = re.compile(r"\$[A-Za-z][A-Za-z0-9\-]{0,63}\Z")
_ON_ONE: dict[str, Kind] = {"GET": "read", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_ON_TYPE: dict[str, Kind] = {"GET": "search", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a path names.

    Attributes:
        type: resource type, empty for the system as a whole.
        id: logical id, empty where none stands.
        operation: with its ``$``, empty for none.
        version: of a ``vread``.
        member: resource type within a compartment, or ``*``.
        form: whether parameters may stand in a posted form.
    """

    kind: Kind
    type: str = ""
    id: str = ""
    operation: str = ""
    version: str = ""
    member: str = ""
    form: bool = False


def read_target(method: str, raw_path: str) -> Target:
    """Return what ``raw_path`` names. Total.

    Args:
        method: one of :data:`METHODS`.
        raw_path: behind the base, percent-encoding as received, with or without leading slash.

    Raises:
        NotAllowedError: no path that FHIR knows.
    """
    if _PLAIN_PATH.match(raw_path) is None:
        raise NotAllowedError("path_not_plain", "the path holds escapes or characters that no FHIR path needs")
    parts = raw_path.removeprefix("/").split("/")
    if any(part in (".", "..") for part in parts):
        raise NotAllowedError("path_not_plain", "the path climbs")
    if parts == [""]:
        parts = []
    if "" in parts:
        raise NotAllowedError("path_not_plain", "the path holds an empty part")
    asking = method in ("HEAD", "OPTIONS")
    found = _read_parts("GET" if asking else method, parts)
    if found is not None and asking:
        found = replace(found, kind="head" if method == "HEAD" else "options")
    if found is None:
        raise NotAllowedError("not_listed", "the path is none that FHIR knows")
    return found


def _read_parts(method: str, parts: list[str]) -> Target | None:
    searching = method == "POST" and parts[-1:] == ["_search"]
    if searching:
        parts = parts[:-1]
    match parts:
        case []:
            return _of_system(method, searching=searching)
        case ["metadata"] if method == "GET":
            return Target(kind="capabilities")
        case ["_history"] if method == "GET":
            return Target(kind="history")
        case [operation] if _is_operation(operation, searching=searching):
            return Target(kind="operation", operation=operation)
        case [resource, *rest] if is_resource_type(resource):
            return _of_type(method, resource, rest, searching=searching)
    return None


def _of_system(method: str, *, searching: bool) -> Target | None:
    if searching or method == "GET":
        return Target(kind="system_search", form=searching)
    return Target(kind="batch") if method == "POST" else None


def _of_type(method: str, resource: str, rest: list[str], *, searching: bool) -> Target | None:
    match rest:
        case []:
            if searching:
                return Target(kind="search", type=resource, form=True)
            return Target(kind=_ON_TYPE[method], type=resource)
        case ["_history"] if method == "GET":
            return Target(kind="history", type=resource)
        case [operation] if _is_operation(operation, searching=searching):
            return Target(kind="operation", type=resource, operation=operation)
        case [one, *further] if is_fhir_id(one) and one != "_search":
            return _of_one(method, resource, one, further, searching=searching)
    return None


def _of_one(method: str, resource: str, one: str, further: list[str], *, searching: bool) -> Target | None:
    match further:
        case [] if method in _ON_ONE:
            return Target(kind=_ON_ONE[method], type=resource, id=one)
        case ["_history"] if method == "GET":
            return Target(kind="history", type=resource, id=one)
        case ["_history", version] if method == "GET" and is_fhir_id(version):
            return Target(kind="vread", type=resource, id=one, version=version)
        case [operation] if _is_operation(operation, searching=searching):
            return Target(kind="operation", type=resource, id=one, operation=operation)
        case [member] if (member == "*" or is_resource_type(member)) and (searching or method == "GET"):
            return Target(kind="compartment", type=resource, id=one, member=member, form=searching)
    return None


def _is_operation(part: str, *, searching: bool) -> bool:
    return not searching and _OPERATION.match(part) is not None
