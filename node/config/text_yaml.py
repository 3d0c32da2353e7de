"""YAML as we accept it: every scalar is text, no aliases, no duplicate keys, no tags (ARCHITECTURE, decision 11).

YAML guesses: ``no`` becomes false, ``01.015`` a number, ``1:30`` ninety. Here the model that reads the value says what it is. The text
is taken apart by libyaml where PyYAML brings it, ten times as fast, and what it says is put together here.
"""

from collections.abc import Iterator
from typing import Any

import yaml
from yaml.events import (
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MAX_YAML_BYTES = 262_144
MAX_DEPTH = 24

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value", "seq", "map")
)
"""What YAML would guess; we keep the text. Anything else was written on purpose and is refused."""

_EMPTY = frozenset({"", "~", "null"})


class YamlError(ValueError):
    """The text can not be read; the message names line and column where known."""


def read_text_yaml(text: str) -> Any:
    """Return what ``text`` says: mappings, lists and text; an empty value is ``None``.

    Raises:
        YamlError: not YAML as we accept it.
    """
    if len(text) > MAX_YAML_BYTES:
        raise YamlError(f"longer than {MAX_YAML_BYTES} characters")
    try:
        return _document(yaml.parse(text, Loader=_LOADER))
    except (yaml.YAMLError, UnicodeError) as error:
        raise YamlError(_explain(error)) from error


def _document(events: Iterator[Event]) -> Any:
    """Read the one document there is; none says nothing."""
    value, documents = None, 0
    for event in events:
        if isinstance(event, DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise YamlError(f"{_place(event)}: a second document is not accepted")
            value = _value(next(events), events, 0)
    return value


def _value(event: Event, events: Iterator[Event], depth: int) -> Any:
    """Read the value that begins with ``event``, and its end."""
    if depth > MAX_DEPTH:
        raise YamlError(f"nested deeper than {MAX_DEPTH}")
    if not isinstance(event, ScalarEvent | SequenceStartEvent | MappingStartEvent):
        raise YamlError(f"{_place(event)}: aliases are not accepted")
    if event.tag is not None and event.tag not in _PLAIN_TAGS:
        raise YamlError(f"{_place(event)}: tags are not accepted")
    match event:
        case ScalarEvent():
            return None if event.implicit[0] and event.value in _EMPTY else str(event.value)
        case SequenceStartEvent():
            return list(_items(events, depth + 1))
        case _:
            return _mapping(events, depth + 1)


def _items(events: Iterator[Event], depth: int) -> Iterator[Any]:
    while not isinstance(event := next(events), SequenceEndEvent):
        yield _value(event, events, depth)


def _mapping(events: Iterator[Event], depth: int) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    while not isinstance(key := next(events), MappingEndEvent):
        if isinstance(key, SequenceStartEvent | MappingStartEvent):
            raise YamlError(f"{_place(key)}: a key must be text")
        name = _value(key, events, depth) or str(getattr(key, "value", ""))  # what says nothing is a name as well
        if name in mapping:
            raise YamlError(f"{_place(key)}: {name!r} stands here twice")
        mapping[name] = _value(next(events), events, depth)
    return mapping


def _place(event: Event) -> str:
    mark = event.start_mark
    return "somewhere" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}"


def _explain(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return "not readable as YAML"
