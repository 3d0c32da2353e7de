"""``hazel map``: organisation by use case: who can exchange what with us now, and the cheapest missing step where not."""

import argparse
from collections import Counter

from node.cli.api import NodeApi, with_node
from node.cli.main import add_config_option
from node.cli.options import add_json_option, add_subject_option
from node.cli.output import DONE, members, pick, show, show_json, show_table, word

READY = "ready"
UNKNOWN = frozenset({"not_looked", "closed"})
"""What is known of a FHIR server that did not say what it has."""


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.set_defaults(run=_run)
    parser.epilog = (
        "ask: we may ask them; answer: they may ask us. It rests on registrations, capability statements and our wallet: "
        "whether a peer gives a token is what hazel doctor tries. No patient is named"
    )
    parser.add_argument("--usecase", metavar="ID", help="only this use case")
    parser.add_argument("--ura", metavar="NUMBER", help="only this organisation, with every step that is missing")
    parser.add_argument("--all", action="store_true", help="use cases that are not active here too")
    parser.add_argument("--no-look", action="store_true", help="do not ask FHIR servers what they have")
    add_subject_option(parser)
    add_config_option(parser)
    add_json_option(parser)


def _run(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        query = [("inactive", "true")] if arguments.all else []
        query += [("look", "false")] if arguments.no_look else []
        query += [
            (name, getattr(arguments, name)) for name in ("usecase", "ura") if getattr(arguments, name) is not None
        ]
        drawn = (await api.get(f"/internal/map/v1/{api.subject(arguments.subject)}", query)).value
        if arguments.json:
            show_json(drawn)
        else:
            _show(drawn, every_step=arguments.ura is not None)
        return DONE

    return with_node(arguments.config, work)


def _show(drawn: object, *, every_step: bool) -> None:
    organisations, usecases = members(drawn, "organisations"), members(drawn, "usecases")
    if not organisations:
        show("nobody else is registered in the services that this node follows; see: hazel discovery status")
        return
    columns = [word(each, "id") for each in usecases]
    show_table(
        ("URA", "NAME", "KIND", *columns),
        [
            (
                word(one, "ura"),
                word(one, "name"),
                word(one, "facility_type"),
                *(_cell(pick(one, "cells", column)) for column in columns),
            )
            for one in organisations
        ],
    )
    more = pick(drawn, "more")
    if isinstance(more, int) and more:
        show(f"and {more} more; name one with --ura")
    _show_steps(drawn, columns, every_step=every_step)


def _cell(pair: object) -> str:
    """Say both directions in a few words: what works, else the step that would change it."""
    told = []
    for direction in ("ask", "answer"):
        cell = pick(pair, direction)
        if cell is None:
            continue
        if pick(cell, "state") == READY:
            told.append(f"{direction}?" if word(cell, "statement") in UNKNOWN else direction)
        else:
            told.append(f"({direction}: {word(cell, 'next', 'code')})")
    return " ".join(told) or "."


def _show_steps(drawn: object, columns: list[str], *, every_step: bool) -> None:
    """List what there is to do, the step that opens most first."""
    opens: Counter[tuple[str, str]] = Counter()
    for one in members(drawn, "organisations"):
        for column in columns:
            for direction in ("ask", "answer"):
                cell = pick(one, "cells", column, direction)
                missing = members(cell, "missing")
                for step in missing if every_step else missing[:1]:
                    whose = "we" if word(step, "whose") == "ours" else word(one, "name")
                    opens[f"{whose}: {word(step, 'remedy')}", word(step, "detail")] += 1
    if not opens:
        return
    show("")
    show("what is missing, and what to do:")
    for (remedy, detail), count in sorted(opens.items(), key=lambda each: (-each[1], each[0])):
        show(f"  {count:>3} x {remedy}")
        show(f"        {detail}")
