"""``hazel discovery status`` as far as logs go, and ``hazel discovery promote``."""

import argparse
import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from node.cli.api import NodeApi, segment, with_node
from node.cli.output import DONE, NOTHING, CommandError, pick, say, show, show_table, word

BASE = "/internal/registries/v1"
ROOT_SHOWN = 12
"""Characters of a hash that are shown; ``--json`` has all of it."""


async def log_of(api: NodeApi, service: str) -> Any:
    """What the node knows about the log of a service; None when the node is too old to say."""
    answer = await api.call("GET", f"{BASE}/{segment(service)}", allowed=frozenset({HTTPStatus.NOT_FOUND}))
    return answer.value if answer.status == HTTPStatus.OK else None


def show_log(state: Any) -> None:
    """Say whom we believe, what host and mirrors show, and what is wrong with that."""
    service = word(state, "service")
    show(f"{service}: {word(state, 'role')}, {word(state, 'trust')}")
    stopped = pick(state, "stopped")
    if stopped:
        show(f"  STOPPED: {word(stopped)}")
    sources = pick(state, "log", "sources") or []
    rows = [("this node", _size(state, "head"), _root(state, "head"), NOTHING, NOTHING)] if pick(state, "head") else []
    rows += [
        (
            word(each, "source"),
            _size(each, "head"),
            _root(each, "head"),
            ", ".join(word(name) for name in pick(each, "witnesses") or []) or NOTHING,
            word(each, "error"),
        )
        for each in sources
    ]
    if rows:
        show_table(("  LOG AT", "LEAVES", "ROOT", "SEEN BY", "ERROR"), [(f"  {row[0]}", *row[1:]) for row in rows])
    for alarm in pick(state, "log", "alarms") or []:
        show(f"  ALARM {word(alarm, 'kind')}: {word(alarm, 'detail')} ({word(alarm, 'source')})")
    if pick(state, "fork"):
        show("  This host told two stories once: --json has both, signed by its own key (evidence). Tell who runs it.")
    for each in pick(state, "refused") or []:
        show(f"  entry {word(each, 'number')} refused, {word(each, 'code')}: {word(each, 'reason')}")


def show_keys(state: Any) -> None:
    """What has to stand in a definition for this node to be its host, mirror or witness."""
    for name in ("log_key", "mirror", "witness"):
        show(f"  our {name:8} {word(state, 'ours', name)}")


def add_promote(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.add_argument("service", metavar="SERVICE")
    parser.add_argument(
        "--incomplete", action="store_true", help="also when messages are missing: who sent those has to register again"
    )
    parser.add_argument(
        "--out", metavar="FILE", type=Path, help="where to put the new definition; standard output by default"
    )
    parser.set_defaults(run=promote)


def promote(arguments: argparse.Namespace) -> int:
    """Become the host of a service that this node mirrors."""

    async def work(api: NodeApi) -> int:
        path = f"{BASE}/{segment(arguments.service)}/promote"
        done = (await api.post(path, {"incomplete": arguments.incomplete})).value
        text = json.dumps(pick(done, "definition"), indent=2, ensure_ascii=False)
        if arguments.out is None:
            show(text)
        else:
            try:
                arguments.out.write_text(text + "\n", encoding="utf-8")
            except OSError as error:
                file = word(done, "file")
                raise CommandError(
                    f"this node hosts the service now, but {arguments.out} can not be written: {error.strerror}",
                    f"the new definition is in {file} too",
                ) from error
        say(f"this node hosts {arguments.service} now; its list goes on at number {word(done, 'next_number')}")
        say(f"       the new definition is in {word(done, 'file')} here, and every participant needs it:")
        say("       a Hazel node loads it by itself once the file is replaced, a nuts-node when it is restarted")
        if pick(done, "missing"):
            say(f"       {word(done, 'missing')} messages were missing: who sent those has to register again")
        return DONE

    return with_node(arguments.config, work)


def _size(value: Any, *path: str) -> str:
    return word(value, *path, "size")


def _root(value: Any, *path: str) -> str:
    return word(value, *path, "root")[:ROOT_SHOWN]
