"""``hazel key list | rotate | retire | compromise``: the keys our organisation signs with."""

import argparse

from node.cli.api import NodeApi, with_node
from node.cli.options import add_json_option, add_subject_option, add_verb, add_verbs
from node.cli.output import DONE, members, say, show_json, show_table, word

KEYS = "/internal/keys/v1"


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    verbs = add_verbs(parser)
    listed = add_verb(verbs, "list", "signing keys, which one signs, and since when", _list)
    rotated = add_verb(
        verbs, "rotate", "make a new key that signs from now on; the older ones go on verifying", _rotate
    )
    retired = add_verb(verbs, "retire", "take an older key out of the identifier's document", _retire)
    lost = add_verb(
        verbs,
        "compromise",
        "take a key out of service everywhere and at once, and renew what hung on it",
        _compromise,
    )
    for verb in (retired, lost):
        verb.add_argument("kid", metavar="KEY", help="the key's id, as hazel key list prints it")
    for verb in (listed, rotated, retired, lost):
        add_subject_option(verb)
    for verb in (listed, rotated, lost):
        add_json_option(verb)


def _list(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        keys = (await api.get(f"{KEYS}/{api.subject(arguments.subject)}")).value
        if arguments.json:
            show_json(keys)
        else:
            heads = ("STATE", "SINCE", "REMOVED", "KEY")
            names = ("state", "created_at", "removed_at", "kid")
            show_table(heads, [[word(key, name) for name in names] for key in keys or []])
        return DONE

    return with_node(arguments.config, work)


def _rotate(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        answer = (await api.post(f"{KEYS}/{api.subject(arguments.subject)}/rotate")).value
        if arguments.json:
            show_json(answer)
        else:
            for kid in members(answer, "made"):
                say(f"signs from now on: {word(kid)}")
            say("older keys go on verifying; take one out when nothing hangs on it any more: hazel key retire KEY")
        return DONE

    return with_node(arguments.config, work)


def _retire(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        await api.post(f"{KEYS}/{api.subject(arguments.subject)}/retire", {"kid": arguments.kid})
        say("the key is in no document any more: what it signed no longer verifies")
        return DONE

    return with_node(arguments.config, work)


def _compromise(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        answer = (await api.post(f"{KEYS}/{api.subject(arguments.subject)}/compromise", {"kid": arguments.kid})).value
        if arguments.json:
            show_json(answer)
        else:
            say("the key is out of service: it is in no document and in no vault")
            say(f"signs from now on: {word(answer, 'signs')}")
            say("credentials that others issued to us are not affected; look after the rest with: hazel status")
        return DONE

    return with_node(arguments.config, work)
