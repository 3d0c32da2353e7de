"""``hazel directory search``: organisations we know, and where to reach them."""

import argparse

from node.cli.api import NodeApi, with_node
from node.cli.options import add_json_option, add_verb, add_verbs
from node.cli.output import DONE, NOTHING, CommandError, members, pick, show_json, show_table, word
from node.cli.usecase_files import find_usecase

PATH = "/internal/directory/v1/organisations"


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    search = add_verb(add_verbs(parser), "search", "organisations that are registered at a discovery service", _search)
    search.add_argument("text", metavar="TEXT", nargs="?", help="part of the name or the city")
    search.add_argument("--usecase", metavar="ID", help="only those that take part in this use case")
    search.add_argument("--ura", metavar="NUMBER", help="only the organisation with this URA number")
    add_json_option(search)


def _search(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        query: list[tuple[str, str]] = []
        if arguments.usecase is not None:
            known = find_usecase(api.config, arguments.usecase)
            if known is None:
                raise CommandError(f"there is no use case {arguments.usecase}", "see: hazel usecase list")
            query.append(("service", known.usecase.discovery_service))
        if arguments.ura is not None:
            query.append(("ura", arguments.ura))
        found = members((await api.get(PATH, query)).value, "organisations")
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


def _holds(organisation: object, text: str) -> bool:
    return any(text.casefold() in word(organisation, name).casefold() for name in ("name", "city"))


def _versions(organisation: object) -> str:
    bases = pick(organisation, "fhir")
    return ", ".join(sorted(name for name, url in bases.items() if url)) if isinstance(bases, dict) else NOTHING
