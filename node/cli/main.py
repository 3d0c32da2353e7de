"""``hazel``: arguments in, exit code out. Each thing's module is loaded only when it is named, so that starting stays fast."""

import argparse
import io
import os
import re
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import NoReturn

# pydantic would look through every installed package for plugins, which may read all that is parsed: none here (and 50 ms).
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from node.cli.output import DONE, UNREACHABLE, USAGE, CommandError, say
from node.config.load import ConfigError
from node.ports import PeerError
from node.version import VERSION

DEFAULT_CONFIG = "hazel.yaml"

THINGS = {
    "init": "make a node in a new directory",
    "serve": "run the node",
    "config": "check and show the configuration",
    "status": "how the node is, and what to do about what is not well",
    "doctor": "the whole way to another organisation, step by step, with what to do where it stops",
    "map": "who can exchange what with us now, and the cheapest missing step where not",
    "subject": "organisations hosted here",
    "key": "the keys we sign with: list, rotate, retire, compromise",
    "credential": "what we hold",
    "token": "access tokens that we gave to others: list, end",
    "discovery": "services where organisations find each other",
    "directory": "organisations we know, and where to reach them",
    "usecase": "use case files: list, show, check",
    "ask": "ask other organisations about a patient",
    "explain": "why a request was, or would be, allowed or refused here",
    "consent": "what citizens allow or refuse",
    "emergency": "where the glass was broken: list, review",
    "audit": "who looked at what: list, report, verify, export",
}

_MODULES = {"config": "configuration", "token": "given_tokens"}
"""Things whose module is not called after them."""

_FINGERPRINT_OPTION = "--trust-uzi"
_FINGERPRINT = re.compile(r"[A-Za-z0-9_-]{43}")

_LONG_NUMBER = re.compile(r"(?<![0-9])[0-9]{8,9}(?![0-9])")


class Parser(argparse.ArgumentParser):
    """Arguments as usual, except that a complaint never repeats what may be a citizen service number."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, and leave."""
        shown = _LONG_NUMBER.sub("(a number)", message)
        if shown != message:
            shown += "\na citizen service number is never an argument: it is read from standard input, or asked for"
        super().error(shown)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``hazel`` with ``arguments`` and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Unicode shows less, and breaks nothing
    words = _with_values(sys.argv[1:] if arguments is None else arguments)
    try:
        parsed = _parser(words).parse_args(words)
    except SystemExit as stop:
        return DONE if stop.code in (0, None) else USAGE
    try:
        code: int = parsed.run(parsed)
    except CommandError as error:
        _trace(parsed)
        return _tell(str(error), error.remedy, error.code)
    except ConfigError as error:
        _trace(parsed)
        return _tell(str(error), error.remedy, 1)
    except PeerError as error:
        _trace(parsed)
        return _tell(str(error), "is the node running? try: hazel serve", UNREACHABLE)
    except KeyboardInterrupt:
        return _tell("stopped", None, 1)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # nobody reads any more
        return 1
    return code


def _with_values(words: Sequence[str]) -> list[str]:
    """Join an option with its fingerprint: one in 64 begins with a dash, and argparse would take it for another option."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] == _FINGERPRINT_OPTION and _FINGERPRINT.fullmatch(word):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _trace(parsed: argparse.Namespace) -> None:
    """Show where an error comes from, for who asked to see it; values are not shown."""
    if parsed.verbose:
        traceback.print_exc()


def _tell(message: str, remedy: str | None, code: int) -> int:
    say(f"hazel: {message}")
    if remedy is not None:
        say(f"       {remedy}")
    return code


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = Parser(prog="hazel", description="One small node per care organisation.", allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"hazel {VERSION}")
    parser.add_argument("-v", "--verbose", action="store_true", help="show where an error comes from")
    things = parser.add_subparsers(metavar="THING", required=True)
    named = next((word for word in words if not word.startswith("-")), None)
    for thing, about in THINGS.items():
        sub = things.add_parser(thing, help=about, description=about, allow_abbrev=False)
        if thing == named:
            describe_thing(thing, sub)
    return parser


def describe_thing(thing: str, parser: argparse.ArgumentParser) -> None:
    """Load the module of ``thing`` and let it describe its commands."""
    import_module(f"node.cli.{_MODULES.get(thing, thing)}").add_parser(parser)


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--config``: the file, else ``HAZEL_CONFIG``, else ``./hazel.yaml``."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=Path(os.environ.get("HAZEL_CONFIG", DEFAULT_CONFIG)),
        help="the node's hazel.yaml (default: HAZEL_CONFIG, or ./hazel.yaml)",
    )


if __name__ == "__main__":
    sys.exit(main())
