"""``hazel credential list | show | issue | import | verify | revoke | expiring | explain``: what we hold, and what we issued.

What only looks is here; what changes something is in ``credential_changes.py``, why a scope is not satisfied in ``credential_explain.py``.
"""

import argparse
from typing import Any

from node.cli.api import NodeApi, with_node
from node.cli.credential_changes import add_changes
from node.cli.credential_explain import add_explain
from node.cli.credential_words import chosen, describe, results, short
from node.cli.options import add_json_option, add_subject_option, add_verb, add_verbs
from node.cli.output import DONE, NOTHING, USAGE, CommandError, pick, say, show_json, show_pairs, show_table, word
from node.world import SystemClock

HOLDER = "/internal/vcr/v2/holder"
ISSUED = "/internal/vcr/v2/issuer/vc/search"


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    verbs = add_verbs(parser)
    listed = add_verb(verbs, "list", "the credentials in the wallet of an organisation, or what it issued", _list)
    listed.add_argument("--issued", action="store_true", help="what the organisation issued, revoked or not")
    listed.add_argument("--all", action="store_true", help="the whole wallet, expired and revoked ones too")
    listed.add_argument("--type", metavar="TYPE", help="of this type only")
    shown = add_verb(verbs, "show", "one credential, with everything it says", _show)
    shown.add_argument("id", metavar="ID", help="its id, or the end of it")
    shown.add_argument("--issued", action="store_true", help="look among what the organisation issued")
    expiring = add_verb(
        verbs,
        "expiring",
        "what has expired or is about to, in all wallets, and what to do about it",
        _expiring,
    )
    expiring.add_argument("--days", metavar="N", type=int, default=30, help="how far to look ahead (default: 30)")
    for verb in (listed, shown):
        add_subject_option(verb)
    for verb in (listed, shown, expiring):
        add_json_option(verb)
    add_changes(verbs)
    add_explain(verbs)


def _list(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        described = await _described(api, arguments, everything=arguments.all)
        if arguments.type is not None:
            described = [one for one in described if one.get("type") == arguments.type]
        if arguments.json:
            show_json(described)
            return DONE
        columns = {
            "TYPE": "type",
            "HOLDER" if arguments.issued else "ISSUER": "holder" if arguments.issued else "issuer",
        }
        columns |= {"EXPIRES": "expires", "SAYS": "says", "ID": "id"}
        if arguments.issued or arguments.all:
            columns["STATE"] = "state"
        show_table(
            tuple(columns), [[short(str(one.get(name) or NOTHING)) for name in columns.values()] for one in described]
        )
        return DONE

    return with_node(arguments.config, work)


def _show(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        one = chosen(await _described(api, arguments, everything=True), arguments.id)
        if arguments.json:
            show_json(one)
            return DONE
        show_pairs([(name, word(one, name)) for name in one if name != "raw"])
        return DONE

    return with_node(arguments.config, work)


def _expiring(arguments: argparse.Namespace) -> int:
    if arguments.days < 0:
        raise CommandError("--days is not negative", code=USAGE)

    async def work(api: NodeApi) -> int:
        found = (await api.get(f"{HOLDER}/expiring", [("within", f"{arguments.days * 24}h")])).value or {}
        rows = [(name, one) for name, held in sorted(dict(found).items()) for one in held]
        if arguments.json:
            show_json(found)
        else:
            show_table(
                ("EXPIRES", "ORGANISATION", "TYPE", "ISSUER", "WHAT TO DO"),
                [
                    (word(one, "expirationDate"), name, word(one, "type"), short(word(one, "issuer")), _advice(one))
                    for name, one in rows
                ],
            )
            say(
                f"{len(rows)} within {arguments.days} days" if rows else f"nothing expires within {arguments.days} days"
            )
        return DONE

    return with_node(arguments.config, work)


def _advice(one: object) -> str:
    if pick(one, "renewedHere") is True:
        return "nothing: this node renews it"
    if word(one, "issuer").startswith("did:x509:"):
        return "renew the certificate, then import the credential of the new one"
    return "ask its issuer for a new one, then: hazel credential import"


async def _described(api: NodeApi, arguments: argparse.Namespace, *, everything: bool) -> list[dict[str, Any]]:
    """Describe the wallet, what can be presented or all of it; or what was issued."""
    now = SystemClock().now()
    subject = api.subject(arguments.subject)
    if arguments.issued:
        dids = (await api.get(f"/internal/vdr/v2/subject/{subject}")).value or []
        return [one for did in dids for one in results((await api.get(ISSUED, [("issuer", str(did))])).value, now)]
    if everything:
        return results((await api.get(f"{HOLDER}/{subject}/vc/search")).value, now)
    return [describe(raw, now=now) for raw in (await api.get(f"{HOLDER}/{subject}/vc")).value or []]
