"""``hazel doctor [PEER]``: the whole way to another organisation, step by step; without PEER, to ourselves as the world sees us."""

import argparse
from typing import Any

from node.cli.api import NodeApi, with_node
from node.cli.main import add_config_option
from node.cli.options import add_json_option, add_subject_option
from node.cli.output import DONE, NOTHING, REFUSED, UNREACHABLE, members, pick, show, show_json, show_table, word
from node.cli.person import add_person_options, asking_person

MARKS = {"ok": "ok", "warning": "!", "failed": "FAILED", "skipped": "-"}
_NOT_REACHED = frozenset({"dns", "tls"})


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.set_defaults(run=_run)
    parser.epilog = (
        "asks for a token too, unless --no-token; the other side records that, and nothing about any patient is asked. "
        "exit code 0 when nothing failed, 3 when the other side can not be reached, else 1"
    )
    parser.add_argument(
        "peer",
        metavar="PEER_URL",
        nargs="?",
        help="its issuer (https://host/oauth2/name), its address, or a URA number; default: this node, from outside",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--usecase", metavar="ID", help="only for this use case (default: those that it takes part in)")
    which.add_argument("--scope", metavar="SCOPE", help="only for this scope")
    parser.add_argument("--no-token", action="store_true", help="do not ask for a token")
    add_person_options(parser)
    add_subject_option(parser)
    add_config_option(parser)
    add_json_option(parser)


def _run(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        asked: dict[str, Any] = {"token": not arguments.no_token}
        for name in ("peer", "usecase", "scope"):
            if getattr(arguments, name) is not None:
                asked[name] = getattr(arguments, name)
        person = asking_person(arguments, api.config)
        if person is not None:
            asked["user"] = person
        found = (await api.post(f"/internal/doctor/v1/{api.subject(arguments.subject)}", asked)).value
        if arguments.json:
            show_json(found)
        else:
            _show(found)
        return _exit_code(found)

    return with_node(arguments.config, work)


def _exit_code(found: object) -> int:
    failed = [word(each, "step") for each in members(found, "steps") if pick(each, "outcome") == "failed"]
    if not failed:
        return DONE
    return UNREACHABLE if _NOT_REACHED.issuperset(failed) else REFUSED


def _show(found: object) -> None:
    name = word(found, "organisation", "name")
    show(f"{word(found, 'peer')}{'' if name == NOTHING else f': {name}'}")
    others = members(found, "others")
    if others:
        show(f"there are others at this address: {', '.join(word(each) for each in others)}")
    steps = members(found, "steps")
    show_table(
        ("", "STEP", "ABOUT", "MS", "FOUND"),
        [
            (
                MARKS.get(word(each, "outcome"), "?"),
                word(each, "step"),
                word(each, "about"),
                word(each, "ms"),
                word(each, "detail"),
            )
            for each in steps
        ],
    )
    remedies = [each for each in steps if word(each, "remedy") != NOTHING]
    if remedies:
        show("")
        show("what to do:")
        for each in remedies:
            about = word(each, "about")
            show(f"  {word(each, 'step')}{'' if about == NOTHING else f' ({about})'}: {word(each, 'remedy')}")
    different = members(found, "differences")
    if different:
        show("")
        show("what is different there:")
        for each in different:
            show(f"  {word(each, 'topic')}: {word(each, 'effect')}")
