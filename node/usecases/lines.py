"""On which line of a YAML text each member stands. Only asked when something is wrong, so it may read the text again."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one that read the text before; another disagrees about tabs."""

Location = tuple[str | int, ...]


def places(text: str) -> Mapping[Location, int]:
    """Return the line (from 1) of every member and list entry, by its path.

    Args:
        text: accepted by ``read_text_yaml`` before, so without aliases and not too deep.
    """
    root = yaml.compose(text, Loader=_LOADER)
    found: dict[Location, int] = {}
    if root is not None:
        _walk(root, (), found)
    return found


def line_of(found: Mapping[Location, int], location: Sequence[str | int]) -> int | None:
    """Return the line of ``location``, or of the nearest member around it: what is missing has no line of its own."""
    for length in range(len(location), -1, -1):
        line = found.get(tuple(location[:length]))
        if line is not None:
            return line
    return None


def _walk(node: yaml.Node, path: Location, found: dict[Location, int]) -> None:
    found.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            found[inner] = key.start_mark.line + 1
            _walk(value, inner, found)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            _walk(item, (*path, number), found)
