"""A command that a message of the node names is one that can be typed."""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import node
from node.cli.main import THINGS, Parser, describe_thing

_NAMED = re.compile(r"\bhazel ([a-z]+)(?: ([a-z]+))?")


def _verbs(thing: str) -> frozenset[str]:
    """Verbs of ``thing``; none when it takes no verb."""
    parser = Parser()
    describe_thing(thing, parser)
    return frozenset(
        verb for action in parser._actions if isinstance(action, argparse._SubParsersAction) for verb in action.choices
    )


def _texts(file: Path) -> Iterator[str]:
    for each in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def test_every_command_that_a_text_of_the_node_names_exists_with_its_verb() -> None:
    verbs = {thing: _verbs(thing) for thing in THINGS}
    files = sorted(Path(node.__file__).parent.rglob("*.py"))
    named = [(file.name, *found) for file in files for text in _texts(file) for found in _NAMED.findall(text)]
    assert len(named) > 40
    unknown = [
        (file, thing, verb)
        for file, thing, verb in named
        if thing not in verbs or (verb and verbs[thing] and verb not in verbs[thing])
    ]
    assert unknown == []
