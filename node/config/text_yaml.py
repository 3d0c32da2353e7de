"""YAML as we accept it: every scalar is text, no aliases, no duplicate keys, no tags (ARCHITECTURE, decision 11).

YAML guesses: ``no`` becomes false, ``01.015`` a number, ``1:30`` ninety. Here the model that reads the value says what it is.
"""

from typing import Any

import yaml

MAX_YAML_BYTES = 262_144
MAX_DEPTH = 24

_PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)
"""What YAML would guess for plain scalars; we keep the text. Anything else was written on purpose and is refused."""


class YamlError(ValueError):
    """The text can not be read; the message names line and column where known."""


class _TextLoader(yaml.SafeLoader):
    """Scalars stay text."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not accepted", problem_mark=self.get_mark())
        return super().compose_node(parent, index)


def read_text_yaml(text: str) -> Any:
    """Return what ``text`` says: mappings, lists and text; an empty value is ``None``.

    Raises:
        YamlError: not YAML as we accept it.
    """
    if len(text) > MAX_YAML_BYTES:
        raise YamlError(f"longer than {MAX_YAML_BYTES} characters")
    try:
        loader = _TextLoader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except (yaml.YAMLError, RecursionError) as error:
        raise YamlError(_explain(error)) from error
    return None if node is None else _value(node, 0)


def _value(node: yaml.Node, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise YamlError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(node, yaml.ScalarNode):
        if node.tag not in _PLAIN_TAGS:
            raise YamlError(f"line {node.start_mark.line + 1}: tags are not accepted")
        empty = node.style is None and node.value in ("", "~", "null")
        return None if empty else str(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, depth + 1) for child in node.value]
    mapping: dict[str, Any] = {}
    assert isinstance(node, yaml.MappingNode)
    for key, child in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise YamlError(f"line {key.start_mark.line + 1}: a key must be text")
        name = str(key.value)
        if name in mapping:
            raise YamlError(f"line {key.start_mark.line + 1}: {name!r} stands here twice")
        mapping[name] = _value(child, depth + 1)
    return mapping


def _explain(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return "not readable as YAML"
