"""``hazel subject list | show``: organisations hosted here, with their identifiers and keys."""

import argparse

from node.cli.api import NodeApi, segment, with_node
from node.cli.options import add_json_option, add_verb, add_verbs
from node.cli.output import DONE, members, show, show_json, show_table, word


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    verbs = add_verbs(parser)
    add_json_option(add_verb(verbs, "list", "every organisation hosted here", _list))
    shown = add_verb(verbs, "show", "the identifiers of one organisation and their keys", _show)
    shown.add_argument("name", metavar="NAME", nargs="?", help="short name (default: the configuration's)")
    add_json_option(shown)


def _list(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        subjects = (await api.get("/internal/vdr/v2/subject")).value
        if arguments.json:
            show_json(subjects)
        else:
            rows = [(name, word(did)) for name, dids in sorted(dict(subjects or {}).items()) for did in dids]
            show_table(("NAME", "IDENTIFIER"), rows)
        return DONE

    return with_node(arguments.config, work)


def _show(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        name = api.subject(arguments.name)
        dids = (await api.get(f"/internal/vdr/v2/subject/{name}")).value or []
        resolved = [(await api.get(f"/internal/vdr/v2/did/{segment(str(did))}")).value for did in dids]
        if arguments.json:
            show_json(resolved)
            return DONE
        for one in resolved:
            show(word(one, "document", "id"))
            for method in members(one, "document", "verificationMethod"):
                show(f"  key  {word(method, 'id')}  {_key(method)}")
        return DONE

    return with_node(arguments.config, work)


def _key(method: object) -> str:
    return " ".join(
        each for each in (word(method, "publicKeyJwk", "kty"), word(method, "publicKeyJwk", "crv")) if each != "-"
    )
