"""``hazel directory search | sync | publish``: organisations we know, where to reach them, and what we say of ourselves."""

import argparse
from typing import Any

from node.cli.api import NodeApi, with_node
from node.cli.options import add_json_option, add_verb, add_verbs
from node.cli.output import DONE, NOTHING, REFUSED, CommandError, members, pick, say, show_json, show_table, word
from node.cli.usecase_files import find_usecase

PATH = "/internal/directory/v1"


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    verbs = add_verbs(parser)
    search = add_verb(
        verbs, "search", "organisations at a discovery service, or anything in the care services directory", _search
    )
    search.add_argument("text", metavar="TEXT", nargs="?", help="part of the name or the city")
    search.add_argument("--usecase", metavar="ID", help="only those that take part in this use case")
    search.add_argument("--ura", metavar="NUMBER", help="only the organisation with this URA number")
    search.add_argument("--type", metavar="TYPE", help="search the care services directory for this FHIR type instead")
    search.add_argument(
        "--where", metavar="NAME=VALUE", action="append", default=[], help="a FHIR search parameter, with --type"
    )
    add_json_option(search)
    sync = add_verb(verbs, "sync", "ask the directories that are followed what changed, now", _sync)
    add_json_option(sync)
    publish = add_verb(
        verbs, "publish", "publish our own entries, here and in the directory they are sent to", _publish
    )
    add_json_option(publish)


def _search(arguments: argparse.Namespace) -> int:
    if arguments.type is not None:
        return with_node(arguments.config, lambda api: _search_replica(api, arguments))
    if arguments.where:
        raise CommandError("--where goes with --type", "for example: --type Endpoint --where status=active")

    async def work(api: NodeApi) -> int:
        query: list[tuple[str, str]] = []
        if arguments.usecase is not None:
            known = find_usecase(api.config, arguments.usecase)
            if known is None:
                raise CommandError(f"there is no use case {arguments.usecase}", "see: hazel usecase list")
            query.append(("service", known.usecase.discovery_service))
        if arguments.ura is not None:
            query.append(("ura", arguments.ura))
        found = members((await api.get(f"{PATH}/organisations", query)).value, "organisations")
        if arguments.text is not None:
            found = [one for one in found if _holds(one, arguments.text)]
        if arguments.json:
            show_json({"organisations": found})
        else:
            show_table(
                ("URA", "NAME", "CITY", "KIND", "FHIR", "SERVICES", "AUTHORIZATION SERVER"),
                [
                    (
                        word(one, "ura"),
                        word(one, "name"),
                        word(one, "city"),
                        word(one, "facility_type"),
                        _versions(one),
                        word(one, "services"),
                        word(one, "authorization_server"),
                    )
                    for one in found
                ],
            )
        return DONE

    return with_node(arguments.config, work)


async def _search_replica(api: NodeApi, arguments: argparse.Namespace) -> int:
    query: list[tuple[str, str]] = []
    for each in arguments.where:
        name, equals, value = each.partition("=")
        if not equals:
            raise CommandError("--where is NAME=VALUE", "for example: --where status=active")
        query.append((name, value))
    if arguments.text is not None:
        query.append(("name:contains", arguments.text))
    if arguments.ura is not None:
        query.append(("identifier" if arguments.type == "Organization" else "organization.identifier", arguments.ura))
    bundle = (await api.get(f"{PATH}/fhir/{arguments.type}", query)).value
    if arguments.json:
        show_json(bundle)
        return DONE
    resources = [pick(entry, "resource") for entry in members(bundle, "entry")] if pick(bundle, "entry") else []
    show_table(
        ("TYPE", "ID", "NAME", "STATUS", "ADDRESS"),
        [
            (word(each, "resourceType"), word(each, "id"), word(each, "name"), _status(each), word(each, "address"))
            if isinstance(pick(each, "address"), str)
            else (word(each, "resourceType"), word(each, "id"), word(each, "name"), _status(each), NOTHING)
            for each in resources
        ],
    )
    if any(word(link, "relation") == "next" for link in members(bundle, "link")):
        say("there are more: narrow it with --where, or ask for more with --where _count=500")
    return DONE


def _sync(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        directories = members((await api.post(f"{PATH}/sync")).value, "directories")
        if arguments.json:
            show_json({"directories": directories})
        else:
            show_table(
                ("DIRECTORY", "ROLE", "FOLLOWED", "NOT SHOWN", "ERROR"),
                [
                    (
                        word(each, "url"),
                        word(each, "role"),
                        word(each, "followed_at"),
                        str(_total(pick(each, "not_shown"))),
                        word(each, "error"),
                    )
                    for each in directories
                ],
            )
        return REFUSED if any(pick(each, "error") for each in directories) else DONE

    return with_node(arguments.config, work)


def _publish(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        entries = members((await api.post(f"{PATH}/publish")).value, "entries")
        if arguments.json:
            show_json({"entries": entries})
        else:
            show_table(
                ("TYPE", "ID", "VERSION", "HERE", "ELSEWHERE", "ERROR"),
                [
                    (
                        word(each, "type"),
                        word(each, "id"),
                        word(each, "version"),
                        word(each, "here"),
                        word(each, "elsewhere"),
                        word(each, "error"),
                    )
                    for each in entries
                ],
            )
        return REFUSED if any(pick(each, "elsewhere") == "failed" for each in entries) else DONE

    return with_node(arguments.config, work)


def _holds(organisation: object, text: str) -> bool:
    return any(text.casefold() in word(organisation, name).casefold() for name in ("name", "city"))


def _versions(organisation: object) -> str:
    bases = pick(organisation, "fhir")
    return ", ".join(sorted(name for name, url in bases.items() if url)) if isinstance(bases, dict) else NOTHING


def _status(resource: Any) -> str:
    active = pick(resource, "active")
    return ("active" if active else "inactive") if isinstance(active, bool) else word(resource, "status")


def _total(counts: Any) -> int:
    return sum(value for value in counts.values() if isinstance(value, int)) if isinstance(counts, dict) else 0
