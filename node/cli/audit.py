"""``hazel audit list | show | report | verify | export``: who looked at what, and proof that the log was not touched."""

import argparse
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from node.cli.api import NodeApi, with_node
from node.cli.audit_lines import EVENT_HEADS, event_details, event_row, show_report
from node.cli.audit_verify import add_verify_options, run_verify
from node.cli.citizen import HOW, patient, patient_parameter, read_bsn
from node.cli.options import add_json_option, add_subject_option, add_verb, add_verbs
from node.cli.output import DONE, USAGE, CommandError, members, pick, say, show_json, show_pairs, show_table
from node.cli.person import add_person_options, asking_person
from node.ports import PeerError

PAGE = 500
EXPORT_SECONDS = 3_600.0

MARK_WITHIN = 200
"""Bytes at the beginning of a line that say what it is."""

_START_MARK, _END_MARK = b'"type":"export"', b'"type":"end"'


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    verbs = add_verbs(parser)
    listed = add_verb(verbs, "list", "accesses, newest first", _list)
    listed.add_argument("--patient", action="store_true", help=f"of one citizen; {HOW}")
    listed.add_argument(
        "--outcome", metavar="WORD", help="permit, deny, 0 (done), 4 (refused), 8 (failed), or a state such as timeout"
    )
    listed.add_argument("--peer", metavar="URA", help="with this organisation")
    _add_period(listed)
    listed.add_argument("--count", metavar="N", type=int, default=50, help="at most so many (default: 50)")
    shown = add_verb(verbs, "show", "one record with its query; that it was looked at is recorded", _show)
    shown.add_argument("seq", metavar="SEQ", type=int, help="its number")
    shown.add_argument("--lane", help="its lane, where several nodes write")
    report = add_verb(verbs, "report", "a citizen's access report; that it was made is recorded", _report)
    report.epilog = HOW
    _add_period(report)
    add_person_options(report)
    verify = add_verb(verbs, "verify", "check that the log was not touched", run_verify)
    add_verify_options(verify)
    export = add_verb(verbs, "export", "write the log to a file that proves itself elsewhere", _export)
    export.add_argument("file", metavar="FILE", type=Path, help="a new file")
    _add_period(export)
    for verb in (listed, shown, report, verify, export):
        add_subject_option(verb)
    for verb in (listed, shown, report, verify):
        add_json_option(verb)


def _add_period(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="since", metavar="TIME", help="from this day or moment on")
    parser.add_argument("--to", dest="until", metavar="TIME", help="before this day or moment")


def _period(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    return [(name, value) for name, value in (("from", arguments.since), ("to", arguments.until)) if value is not None]


def _list(arguments: argparse.Namespace) -> int:
    if arguments.count < 1:
        raise CommandError("--count is at least 1", code=USAGE)

    async def work(api: NodeApi) -> int:
        events = await _events(api, arguments)
        if arguments.json:
            show_json(events)
        else:
            show_table(EVENT_HEADS, [event_row(event) for event in events])
        return DONE

    return with_node(arguments.config, work)


async def _events(api: NodeApi, arguments: argparse.Namespace) -> list[Any]:
    """Search, and follow the links to further pages until there are enough."""
    base = f"/internal/audit/v1/{api.subject(arguments.subject)}"
    query = [*_period(arguments), ("_count", str(min(arguments.count, PAGE)))]
    query += [(name, value) for name, value in (("peer", arguments.peer), ("outcome", arguments.outcome)) if value]
    if arguments.patient:
        bundle = (await api.post_form(f"{base}/_search", [*query, patient_parameter(read_bsn())])).value
    else:
        bundle = (await api.get(base, query)).value
    events: list[Any] = []
    while True:
        events += [pick(entry, "resource") for entry in members(bundle, "entry")]
        following = next(
            (pick(link, "url") for link in members(bundle, "link") if pick(link, "relation") == "next"), None
        )
        if len(events) >= arguments.count or not isinstance(following, str) or not following.startswith(f"{base}?"):
            return events[: arguments.count]
        bundle = (await api.call("GET", following)).value


def _show(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        path = f"/internal/audit/v1/{api.subject(arguments.subject)}/entries/{arguments.seq}"
        event = (await api.get(path, [("lane", arguments.lane)] if arguments.lane is not None else ())).value
        if arguments.json:
            show_json(event)
        else:
            show_pairs(event_details(event))
        return DONE

    return with_node(arguments.config, work)


def _report(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        user = asking_person(arguments, api.config)
        asked: dict[str, Any] = {**dict(_period(arguments)), **({"user": user} if user is not None else {})}
        asked["patient"] = patient(read_bsn())
        report = (await api.post(f"/internal/audit/v1/{api.subject(arguments.subject)}/report", asked)).value
        if arguments.json:
            show_json(report)
        else:
            show_report(report)
        return DONE

    return with_node(arguments.config, work)


def _export(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        query = urlencode(_period(arguments))
        path = f"/internal/audit/v1/{api.subject(arguments.subject)}/export"
        lines = api.lines(
            "GET", f"{path}?{query}" if query else path, accept="application/x-ndjson", timeout=EXPORT_SECONDS
        )
        count = await _write(arguments.file, lines, api)
        say(f"wrote {count} lines to {arguments.file}; check them with: hazel audit verify --export {arguments.file}")
        return DONE

    return with_node(arguments.config, work)


async def _write(file: Path, lines: AsyncIterator[bytes], api: NodeApi) -> int:
    """Write a new file that only we can read, whole or not at all; return how many lines.

    Raises:
        CommandError: the file exists or can not be written, the node says no, or the export breaks off.
    """
    if file.exists():
        raise CommandError(f"{file} exists already", "name a new file; an export is never written over another one")
    unfinished = file.with_name(f".{file.name}.unfinished")
    count, last = 0, b""
    try:
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            async for line in lines:
                if count == 0 and _START_MARK not in line[:MARK_WITHIN]:
                    raise api.problem_on(line) or CommandError("the node's answer is not an export")
                out.write(line + b"\n")
                count, last = count + 1, line
            out.flush()
            os.fsync(out.fileno())
        if count == 0:
            raise CommandError("nothing was recorded in that period, so there is nothing to export")
        if _END_MARK not in last[:MARK_WITHIN]:
            raise CommandError("the export broke off, and was thrown away", "try again")
        unfinished.rename(file)
    except PeerError as error:
        if not count:
            raise api.unreachable(error) from error
        raise CommandError("the export broke off, and was thrown away", "try again") from error
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return count
