"""Looking into parsed JSON of strangers: what is not there, or of another shape, is nothing."""

from collections.abc import Mapping
from typing import Any

NOTHING = "-"
"""What stands where there is nothing to show."""


def pick(value: Any, *path: str | int) -> Any:
    """Return what stands at ``path`` in parsed JSON; ``None`` where something else stands there."""
    for part in path:
        if isinstance(part, str):
            value = value.get(part) if isinstance(value, Mapping) else None
        else:
            value = value[part] if isinstance(value, list) and -len(value) <= part < len(value) else None
    return value


def members(value: Any, *path: str | int) -> list[Any]:
    """Return the list at ``path``; empty when there is none."""
    found = pick(value, *path)
    return found if isinstance(found, list) else []


def text_at(value: Any, *path: str | int) -> str:
    """Return the text at ``path``; empty when there is none."""
    found = pick(value, *path)
    return found if isinstance(found, str) else ""


def objects(value: Any, *path: str | int) -> list[Any]:
    """Return what stands at ``path`` as a list: its elements, the one object that stands there, or nothing."""
    found = pick(value, *path)
    if isinstance(found, list):
        return [each for each in found if isinstance(each, Mapping)]
    return [found] if isinstance(found, Mapping) else []
