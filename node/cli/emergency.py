"""``hazel emergency list | review``: where the glass was broken, and what we say of it."""

import argparse

from node.cli.api import NodeApi, segment, with_node
from node.cli.options import add_json_option, add_subject_option, add_verb, add_verbs
from node.cli.output import DONE, members, say, show_json, show_table, word

EMERGENCIES = "/internal/emergencies/v1"


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    verbs = add_verbs(parser)
    listed = add_verb(verbs, "list", "emergencies that nobody judged yet, the oldest first", _list)
    listed.add_argument("--reviewed", action="store_true", help="those that were judged instead, the newest first")
    judged = add_verb(verbs, "review", "judge an emergency, once; one that was not justified ends at once", _review)
    judged.add_argument("id", metavar="ID", help="as hazel emergency list prints it")
    judged.add_argument("verdict", choices=("justified", "not_justified"), help="what you find")
    judged.add_argument("--reviewer", metavar="NAME", required=True, help="who judges")
    judged.add_argument("--note", metavar="TEXT", default="", help="why; it is kept sealed")
    for verb in (listed, judged):
        add_subject_option(verb)
        add_json_option(verb)


def _list(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        query = [("state", "reviewed" if arguments.reviewed else "open")]
        answer = (await api.get(f"{EMERGENCIES}/{api.subject(arguments.subject)}", query)).value
        if arguments.json:
            show_json(answer)
            return DONE
        heads = ("AT", "URA", "NAME", "USER", "USE CASE", "REASON", "VERDICT", "AUDIT", "ID")
        paths = (
            ("opened_at",),
            ("requester", "ura"),
            ("requester", "name"),
            ("user", "name"),
            ("usecase",),
            ("reason",),
            ("review", "verdict"),
            ("audit",),
            ("id",),
        )
        found = members(answer, "emergencies")
        show_table(heads, [[word(each, *path) for path in paths] for each in found])
        if not found and not arguments.reviewed:
            say("nothing waits for a review")
        return DONE

    return with_node(arguments.config, work)


def _review(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        path = f"{EMERGENCIES}/{api.subject(arguments.subject)}/{segment(str(arguments.id))}/review"
        body = {"verdict": arguments.verdict, "reviewer": arguments.reviewer, "note": arguments.note}
        answer = (await api.post(path, body)).value
        if arguments.json:
            show_json(answer)
        else:
            say(f"recorded: {arguments.verdict}; it stands in the citizen's access report")
        return DONE

    return with_node(arguments.config, work)
