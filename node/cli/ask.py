"""``hazel ask USECASE``: one exchange from the terminal, each source shown as it answers."""

import argparse
import json
from collections.abc import AsyncIterator
from typing import Any, get_args

from node.cli.answer import EVENTS, Answer, BrokenLineError, read_event
from node.cli.api import JSON, NodeApi, segment, with_node
from node.cli.ask_view import VIEWS, show_view
from node.cli.citizen import HOW, patient, read_bsn, read_reason
from node.cli.main import add_config_option
from node.cli.options import add_json_option, add_subject_option
from node.cli.output import DONE, REFUSED, USAGE, CommandError, pick, printable, say, show, show_json, show_table, word
from node.cli.person import add_person_options, asking_person
from node.cli.usecase_files import find_usecase
from node.config.model import Config
from node.ports import PeerError
from node.usecases.model import Purpose

NDJSON = "application/x-ndjson"
PATIENCE = 15.0
"""Seconds beyond the question's own deadline after which we stop listening."""


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.set_defaults(run=_run)
    parser.epilog = (
        f"{HOW}; with --purpose BTG the reason is read from the line behind it. "
        "Exit code 0 also when not everything could be had: that is said."
    )
    parser.add_argument("usecase", metavar="USECASE", help="what is asked; see: hazel usecase list")
    add_subject_option(parser)
    parser.add_argument(
        "--holder", metavar="URA", action="append", default=[], help="ask only this organisation; repeatable"
    )
    parser.add_argument(
        "--step", metavar="ID", action="append", default=[], help="ask only this step of the use case; repeatable"
    )
    add_person_options(parser)
    parser.add_argument(
        "--purpose",
        choices=get_args(Purpose),
        help="purpose of use (default: the use case's first)",
    )
    parser.add_argument("--deadline-ms", metavar="N", type=int, help="milliseconds for the whole question")
    parser.add_argument(
        "--view", choices=VIEWS, help="show the answer, once it is whole, as one of these instead of source by source"
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="fetch everything, also what this person was shown in the last five minutes",
    )
    add_config_option(parser)
    add_json_option(parser)


def _run(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        question = _question(arguments, api.config)
        deadline = question.get("deadline_ms", api.config.limits.question_ms) / 1000
        view = f"?view={arguments.view}" if arguments.view else ""
        lines = api.lines(
            "POST",
            f"/internal/exchange/v1/{api.subject(arguments.subject)}/{segment(arguments.usecase)}{view}",
            body=json.dumps(question).encode(),
            accept=JSON if view else NDJSON,
            timeout=deadline + PATIENCE,
        )
        if view:
            return await _view(api, lines, as_json=arguments.json)
        answer = Answer()
        heard = broken = False
        try:
            async for line in lines:
                if answer.end is not None or broken or not line.strip():
                    continue
                event = _event(line, api, is_first=not heard)
                heard, broken = True, event is None
                if event is not None:
                    _show_event(event, line, answer, as_json=arguments.json)
        except PeerError as error:
            if not heard:
                raise api.unreachable(error) from error
        if not arguments.json:
            _show_items(answer)
        return _finish(answer, as_json=arguments.json)

    return with_node(arguments.config, work)


async def _view(api: NodeApi, lines: AsyncIterator[bytes], *, as_json: bool) -> int:
    try:
        body = b"".join([line async for line in lines])
    except PeerError as error:
        raise api.unreachable(error) from error
    problem = api.problem_on(body)
    if problem is not None:
        raise problem
    try:
        view = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise CommandError("the node's answer can not be read", "is that address a Hazel node?") from error
    if as_json:
        show_json(view)
    else:
        show_view(view)
    return DONE


def _question(arguments: argparse.Namespace, config: Config) -> dict[str, Any]:
    """Return the body of the question; the citizen is asked for last, when all else is in order."""
    user = asking_person(arguments, config)
    if user is None:
        raise CommandError(
            "who asks? nobody is named", "give --user and --role, or set cli_user in the configuration", code=USAGE
        )
    known = find_usecase(config, arguments.usecase)
    if known is None:
        raise CommandError(f"there is no use case {arguments.usecase}", "see: hazel usecase list")
    question: dict[str, Any] = {
        "user": user,
        "purpose": arguments.purpose or known.usecase.purposes[0],
    }
    optional = {"holders": arguments.holder, "steps": arguments.step, "deadline_ms": arguments.deadline_ms}
    if arguments.fresh:
        question["fresh"] = True
    question |= {name: given for name, given in optional.items() if given is not None and given != []}
    question["patient"] = patient(read_bsn())
    if question["purpose"] == "BTG":
        question["break_glass"] = {"reason": read_reason()}
    return question


def _event(line: bytes, api: NodeApi, *, is_first: bool) -> dict[str, Any] | None:
    """Read one line; ``None`` when it is no event, after which nothing is believed any more.

    Raises:
        CommandError: the first line is a problem document instead: the node says no.
    """
    try:
        event = read_event(line)
    except BrokenLineError:
        event = None
    if is_first and (event is None or event["type"] not in EVENTS):
        problem = api.problem_on(line)
        if problem is not None:
            raise problem
    return event


def _show_event(event: dict[str, Any], line: bytes, answer: Answer, *, as_json: bool) -> None:
    shown = answer.take(event)
    if as_json:
        print(line.decode("utf-8", "replace"), flush=True)
        return
    for each in shown:
        show(each)


def _show_items(answer: Answer) -> None:
    if answer.received:
        show("")
        show_table(
            ("TYPE", "DATE", "TEXT", "FROM"),
            [(each.item.type, each.item.date, each.item.text, each.holder) for each in answer.sorted],
        )
        show("")


def _finish(answer: Answer, *, as_json: bool) -> int:
    """Say how it ended; nothing that is missing is left unsaid."""
    if answer.end is None:
        raise CommandError(
            "the answer broke off: it is INCOMPLETE, also where nothing seems to be missing", "ask again"
        )
    error = pick(answer.end, "error")
    if error is not None:
        say(f"hazel: {printable(word(error, 'detail'))} ({word(error, 'code')})")
        if not as_json:
            show("INCOMPLETE: the question broke off")
        return REFUSED
    if as_json:
        return DONE
    missing = answer.missing
    if missing or pick(answer.end, "complete") is not True:
        show("NOT COMPLETE; missing:" if missing else "NOT COMPLETE")
        for each in missing:
            show(f"  {each}")
    elif answer.asked_nobody:
        show("nobody was asked, so this says nothing about what there is")
    else:
        show("complete: everybody who was asked answered everything")
    show(f"{word(answer.end, 'ms')} ms; audit records {word(answer.end, 'audit')}")
    return DONE
