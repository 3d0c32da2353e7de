"""Write the generated pages of ``docs/`` (``make docs``).

``cli.md`` comes from the commands, ``config.md`` from the configuration, ``interop.md`` from the results that ``make interop`` left,
``use-cases.md`` from the use case files.
A test compares the pages with what is generated here, so they can not go out of date. The command page is made from the parsers
themselves rather than from the text of ``--help``, whose layout differs between versions of Python.
"""
# ruff: noqa: INP001  # a program beside the packages, not one of them

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from node.cli.config_docs import config_markdown
from node.cli.main import THINGS, Parser, describe_thing
from tests.interop.results import kept_results
from tests.interop.results import page as interop_page
from tests.interop.walk import STEPS
from tools.use_cases_page import use_cases_page

DOCS = Path(__file__).resolve().parents[1] / "docs"

USAGE_WIDTH = 100

INTRODUCTION = """\
# The command `hazel`

<!-- Generated from node/cli/ by `make docs`. -->

`hazel THING VERB`. Data goes to standard output, everything else to standard error; `--json` prints JSON for
programs. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 the node or another organisation can not be
reached.

Commands find the node by `--config`, else `HAZEL_CONFIG`, else `./hazel.yaml`, and talk to its internal API with
the key in `api.key` beside that file. Citizen service numbers and secrets are never arguments: a number is read from
standard input, or asked for without showing it. `hazel -v THING VERB` shows where an error comes from."""


def pages() -> Mapping[str, str]:
    """Return the generated pages by file name."""
    return {
        "cli.md": cli_markdown(),
        "config.md": config_markdown(),
        "interop.md": interop_page(kept_results(), STEPS),
        "use-cases.md": use_cases_page(),
    }


def cli_markdown() -> str:
    """Return the page about the commands."""
    lines = [INTRODUCTION, "", "| Thing | What it is about |", "| --- | --- |"]
    lines += [f"| [`{thing}`](#hazel-{thing}) | {about} |" for thing, about in THINGS.items()]
    for thing, about in THINGS.items():
        parser = Parser(prog=f"hazel {thing}", description=about, allow_abbrev=False)
        describe_thing(thing, parser)
        lines += ["", f"## hazel {thing}"]
        lines += _command(parser)
    return "\n".join(lines) + "\n"


def _command(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the lines about one command, or about the verbs of a thing."""
    actions = [action for action in parser._actions if action.help != argparse.SUPPRESS]  # noqa: SLF001  # no public way
    verbs = next((action for action in actions if isinstance(action, argparse._SubParsersAction)), None)  # noqa: SLF001
    yield ""
    yield f"{_sentence(parser.description or '')}"
    if verbs is not None:
        for name, verb in verbs.choices.items():
            yield ""
            yield f"### {parser.prog} {name}"
            yield from _command(verb)
        return
    if parser.epilog:
        yield ""
        yield _sentence(parser.epilog)
    told = [action for action in actions if not isinstance(action, argparse._HelpAction)]  # noqa: SLF001
    yield ""
    yield "```"
    yield from _wrapped([parser.prog, *(_usage(action) for action in told)])
    yield "```"
    described = [action for action in told if action.help]
    if described:
        yield ""
        yield "| Argument | What it means |"
        yield "| --- | --- |"
    for action in described:
        yield f"| `{_name(action)}` | {_cell(action.help or '')} |"


def _wrapped(words: list[str]) -> Iterator[str]:
    """Yield ``words`` in lines of at most :data:`USAGE_WIDTH`, none of them broken."""
    line = ""
    for word in words:
        if line and len(line) + 1 + len(word) > USAGE_WIDTH:
            yield line
            line = f"    {word}"
        else:
            line = f"{line} {word}" if line else word
    yield line


def _usage(action: argparse.Action) -> str:
    """Return an argument as it stands in a line of usage."""
    name = _name(action)
    if action.option_strings:
        return name if action.required else f"[{name}]"
    if action.nargs == "?":
        return f"[{name}]"
    return f"[{name} …]" if action.nargs == "*" else name


def _name(action: argparse.Action) -> str:
    value = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.choices is not None and action.metavar is None:
        value = "{" + ",".join(str(choice) for choice in action.choices) + "}"
    if not action.option_strings:
        return value if action.metavar is not None else action.dest.upper()
    return action.option_strings[-1] if action.nargs == 0 else f"{action.option_strings[-1]} {value}"


def _cell(text: str) -> str:
    return " ".join(text.replace("%%", "%").replace("|", "\\|").split())


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!")) else ".")


def main() -> int:
    """Write the pages; tell which ones changed."""
    for name, text in pages().items():
        file = DOCS / name
        before = file.read_text(encoding="utf-8") if file.exists() else None
        if text != before:
            file.write_text(text, encoding="utf-8")
        print(f"docs/{name}: {'written' if text != before else 'as it was'}")  # noqa: T201  # this is a command
    return 0


if __name__ == "__main__":
    sys.exit(main())
