"""The page about the configuration, from the model that reads it: ``hazel config docs`` and ``docs/config.md``."""

import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from node.config.descriptions import descriptions
from node.config.model import Config, FhirVersion, Section

KEY = "<version>"
"""Stands for a key of the one mapping there is: FHIR servers by version."""

INTRODUCTION = """\
# Configuration

<!-- Generated from node/config/model.py by `make docs`. -->

Everything stands in one file, `hazel.yaml`, that `hazel init` writes. Unknown settings are errors. Relative paths
are seen from the folder of the file. Every value is read as text first, so nothing is guessed: `01.015` stays what
it is. Durations are whole milliseconds in settings that end in `_ms`. A setting that weakens security starts with
`unsafe_` and is told at start-up.

`hazel config check` checks the file and the files it names; `hazel config show` prints what is in effect."""


def config_markdown() -> str:
    """Return the page."""
    return "\n".join([INTRODUCTION, *_section("", Config, None)]) + "\n"


def _section(path: str, model: type[Section], present: BaseModel | None) -> Iterator[str]:
    """Yield the lines about ``model``, then those of the sections in it.

    Args:
        path: dotted, where it stands; empty for the whole file.
        model: a part of the configuration.
        present: the section that is in effect when nothing is set, if there is one.
    """
    yield ""
    yield f"## `{path}`" if path else "## The file"
    yield ""
    if path.endswith(KEY):
        yield f"`{KEY}` is {_alternatives(get_args(FhirVersion))}."
        yield ""
    yield "| Setting | What it means | Kind | Default |"
    yield "| --- | --- | --- | --- |"
    inner: list[tuple[str, type[Section], BaseModel | None]] = []
    for name, field in model.model_fields.items():
        dotted = f"{path}.{name}" if path else name
        description = _cell(descriptions(model).get(name, ""))
        section = _section_in(field.annotation)
        if section is None:
            yield f"| `{dotted}` | {description} | {_kind(field)} | {_default(field, getattr(present, name, None))} |"
            continue
        is_mapping = get_origin(field.annotation) is dict
        default = field.default if isinstance(field.default, BaseModel) else None
        inner.append((f"{dotted}.{KEY}" if is_mapping else dotted, section, default))
        yield f"| `{dotted}` | {description} | section | {_default_of_section(field)} |"
    for below, section, default in inner:
        yield from _section(below, section, default)


def _section_in(annotation: Any) -> type[Section] | None:
    """Return the section that ``annotation`` is, may be, or maps to."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section_in(part)) is not None), None)


def _kind(field: FieldInfo) -> str:
    low = next((rule.ge for rule in field.metadata if isinstance(rule, Ge)), None)
    high = next((rule.le for rule in field.metadata if isinstance(rule, Le)), None)
    kind = _kind_of(field.annotation)
    if low is not None and high is not None:
        return f"{kind}, {low:,} to {high:,}"
    return f"{kind}, at least {low:,}" if low is not None else kind


def _kind_of(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _alternatives(str(part) for part in parts)
    if origin in (Union, types.UnionType):
        return _kind_of(next(part for part in parts if part is not type(None)))
    if origin is tuple:
        return f"list of {_kind_of(parts[0])}"
    if origin is dict:
        return f"by name: {_kind_of(parts[1])}"
    if origin is not None:  # Annotated
        return _kind_of(parts[0])
    return {bool: "`true` or `false`", int: "whole number", Path: "path", str: "text"}[annotation]


def _alternatives(words: Iterable[str]) -> str:
    *first, last = (f"`{word}`" for word in words)
    return f"{', '.join(first)} or {last}" if first else last


def _default(field: FieldInfo, present: Any) -> str:
    value = present if field.is_required() else field.default
    if field.is_required() and present is None:
        return "required"
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return ", ".join(f"`{each}`" for each in value)
    return f"`{value}`"


def _default_of_section(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return "none" if not field.default else "see below"


def _cell(text: str) -> str:
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())
