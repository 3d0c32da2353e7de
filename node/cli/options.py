"""Options that many commands have, and the way a verb is described."""

import argparse
from collections.abc import Callable
from typing import Any

from node.cli.main import add_config_option

Run = Callable[[argparse.Namespace], int]

Verbs = Any
"""What ``add_subparsers`` returns; argparse has no public name for it."""


def add_verbs(parser: argparse.ArgumentParser) -> Verbs:
    """Let ``parser`` take a verb."""
    return parser.add_subparsers(metavar="VERB", required=True)


def add_verb(verbs: Verbs, name: str, about: str, run: Run) -> argparse.ArgumentParser:
    """Describe one verb that talks to the node or reads its configuration."""
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=about, description=about, allow_abbrev=False)
    parser.set_defaults(run=run)
    add_config_option(parser)
    return parser


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def add_subject_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--subject``: the organisation acted for."""
    parser.add_argument("--subject", metavar="NAME", help="organisation acted for (default: the configuration's)")
