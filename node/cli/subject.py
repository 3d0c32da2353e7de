"""``hazel subject list | show | create | deactivate``: organisations hosted here, with their identifiers and keys."""

import argparse

from node.cli.api import NodeApi, segment, with_node
from node.cli.options import add_json_option, add_verb, add_verbs
from node.cli.output import DONE, USAGE, CommandError, members, say, show, show_json, show_table, word

SUBJECTS = "/internal/vdr/v2/subject"


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    verbs = add_verbs(parser)
    add_json_option(add_verb(verbs, "list", "every organisation hosted here", _list))
    shown = add_verb(verbs, "show", "the identifiers of one organisation, their keys and services", _show)
    shown.add_argument("name", metavar="NAME", nargs="?", help="short name (default: the configuration's)")
    add_json_option(shown)
    created = add_verb(verbs, "create", "host another organisation", _create)
    created.add_argument("name", metavar="NAME", help="short name: letters, digits, '.', '_' and '-'")
    add_json_option(created)
    ended = add_verb(verbs, "deactivate", "take an organisation out of service; this can not be undone", _deactivate)
    ended.add_argument("name", metavar="NAME", help="short name")
    ended.add_argument("--yes", action="store_true", help="it is meant, and for good")


def _list(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        subjects = (await api.get(SUBJECTS)).value
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
        dids = (await api.get(f"{SUBJECTS}/{name}")).value or []
        resolved = [(await api.get(f"/internal/vdr/v2/did/{segment(str(did))}")).value for did in dids]
        if arguments.json:
            show_json(resolved)
            return DONE
        for one in resolved:
            show(word(one, "document", "id"))
            for method in members(one, "document", "verificationMethod"):
                show(f"  key  {word(method, 'id')}  {_key(method)}")
            for service in members(one, "document", "service"):
                show(f"  service  {word(service, 'type')}  {word(service, 'serviceEndpoint')}  {word(service, 'id')}")
        return DONE

    return with_node(arguments.config, work)


def _create(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        made = (await api.post(SUBJECTS, {"subject": arguments.name})).value
        if arguments.json:
            show_json(made)
        else:
            say(f"hosted from now on: {word(made, 'subject')}")
            for document in members(made, "documents"):
                say(f"  identity  {word(document, 'id')}")
        return DONE

    return with_node(arguments.config, work)


def _deactivate(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        subject = f"{SUBJECTS}/{segment(arguments.name)}"
        if not arguments.yes:
            await api.get(subject)  # of what is not here there is nothing to confirm
            raise CommandError(
                f"{arguments.name} would be gone for good: its identifiers resolve no more and its name stays taken",
                "if that is meant, say --yes",
                code=USAGE,
            )
        await api.call("DELETE", subject)
        say(f"{arguments.name} is out of service")
        return DONE

    return with_node(arguments.config, work)


def _key(method: object) -> str:
    return " ".join(
        each for each in (word(method, "publicKeyJwk", "kty"), word(method, "publicKeyJwk", "crv")) if each != "-"
    )
