"""``hazel explain``: why a request was, or would be, allowed or refused here, rule by rule."""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from node.audit.record import from_milliseconds
from node.cli.api import NodeApi, with_node
from node.cli.main import add_config_option
from node.cli.options import add_json_option, add_subject_option
from node.cli.output import (
    DONE,
    NOTHING,
    USAGE,
    CommandError,
    members,
    pick,
    show,
    show_json,
    show_pairs,
    show_table,
    word,
)

MAX_REQUEST = 1_048_576

_SEQUENCE = re.compile(r"[0-9]{1,15}\Z")


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.set_defaults(run=_run)
    parser.epilog = "nothing is sent to anybody; exit code 0 whatever the decision"
    parser.add_argument(
        "reference", metavar="REF", nargs="?", help="number of an audit record, or the reference of a refusal"
    )
    parser.add_argument("--request", metavar="FILE", help="JSON description of a request; - for standard input")
    add_subject_option(parser)
    add_config_option(parser)
    add_json_option(parser)


def _run(arguments: argparse.Namespace) -> int:
    if (arguments.reference is None) == (arguments.request is None):
        raise CommandError("give either REF or --request", code=USAGE)
    asked = _described(arguments.request) if arguments.request is not None else _reference(arguments.reference)

    async def work(api: NodeApi) -> int:
        explained = (await api.post(f"/internal/explain/v1/{api.subject(arguments.subject)}", asked)).value
        if arguments.json:
            show_json(explained)
        else:
            _show(explained)
        return DONE

    return with_node(arguments.config, work)


def _reference(text: str) -> dict[str, Any]:
    return {"audit": int(text)} if _SEQUENCE.match(text) else {"reference": text.lower()}


def _described(file: str) -> dict[str, Any]:
    """Read the description of a request."""
    try:
        if file == "-":
            text = sys.stdin.read(MAX_REQUEST)
        else:
            with open(file, encoding="utf-8") as opened:  # noqa: PTH123  # the same for a path as for standard input
                text = opened.read(MAX_REQUEST)
        value = json.loads(text)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{file} is not JSON") from error
    if not isinstance(value, dict):
        raise CommandError(f"{file} is not a JSON object")
    return value


def _show(explained: object) -> None:
    show_pairs(
        [
            ("decision", word(explained, "decision")),
            ("code", word(explained, "code")),
            *_record(pick(explained, "record")),
        ]
    )
    rules = members(explained, "rules")
    if not rules:
        show("no rules were recorded")
        return
    show_table(
        ("RULE", "OUTCOME", "CODE", "MESSAGE", "EVIDENCE"),
        [
            (
                word(rule, "rule"),
                word(rule, "outcome").replace("_", " "),
                word(rule, "code"),
                word(rule, "message"),
                _evidence(pick(rule, "evidence")),
            )
            for rule in rules
        ],
    )


def _record(record: object) -> Iterator[tuple[str, str]]:
    """Yield what is known about the record that was explained; its time is milliseconds since 1970."""
    for name, value in record.items() if isinstance(record, dict) else ():
        is_time = name == "at" and isinstance(value, int)
        yield name.replace("_", " "), from_milliseconds(value).isoformat(timespec="seconds") if is_time else word(value)


def _evidence(evidence: object) -> str:
    if not isinstance(evidence, dict) or not evidence:
        return NOTHING
    return "; ".join(f"{name} {word(value)}" for name, value in evidence.items())
