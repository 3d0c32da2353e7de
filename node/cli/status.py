"""``hazel status``: how the node is, and what to do about what is not well."""

import argparse
from http import HTTPStatus

from node.cli.api import NodeApi, with_node
from node.cli.main import add_config_option
from node.cli.options import add_json_option
from node.cli.output import DONE, NOTHING, REFUSED, CommandError, members, pick, show, show_json, show_table, word

PATH = "/internal/status/v1"


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.set_defaults(run=_run)
    parser.epilog = "exit code 1 when the node can not exchange"
    add_config_option(parser)
    add_json_option(parser)


def _run(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        answer = await api.call("GET", PATH, allowed=frozenset({HTTPStatus.SERVICE_UNAVAILABLE}))
        if not isinstance(pick(answer.value, "state"), str):
            raise CommandError("the node does not say how it is", "is that address a Hazel node?")
        if arguments.json:
            show_json(answer.value)
        else:
            _show(answer.value)
        return DONE if answer.status == HTTPStatus.OK else REFUSED

    return with_node(arguments.config, work)


def _show(value: object) -> None:
    show(f"hazel {word(value, 'version')}: {word(value, 'state')}")
    checks = members(value, "checks")
    if checks:
        show_table(
            ("CHECK", "STATE", "SINCE", "DETAIL"),
            [[word(check, name) for name in ("name", "state", "since", "detail")] for check in checks],
        )
    for check in checks:
        if word(check, "remedy") != NOTHING:
            show(f"{word(check, 'name')}: {word(check, 'remedy')}")
    for name in members(value, "unsafe"):
        show(f"UNSAFE: {word(name)} is on; never where real patients are")
