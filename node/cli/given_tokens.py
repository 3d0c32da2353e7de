"""``hazel token list | end``: access tokens that we gave to other organisations. Their secret parts nobody can see."""

import argparse
from urllib.parse import urlencode

from node.cli.api import NodeApi, segment, with_node
from node.cli.options import add_json_option, add_subject_option, add_verb, add_verbs
from node.cli.output import DONE, USAGE, CommandError, members, pick, say, show_json, show_table, word

TOKENS = "/internal/oauth/v1"


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    verbs = add_verbs(parser)
    listed = add_verb(verbs, "list", "tokens that stand, the newest first: who got them, for what, until when", _list)
    ended = add_verb(verbs, "end", "take tokens away: one, those of an organisation, or all", _end)
    ended.add_argument("id", metavar="ID", nargs="?", help="one token, as hazel token list prints it")
    ended.add_argument("--everybody", action="store_true", help="every token of our organisation")
    for verb in (listed, ended):
        verb.add_argument("--party", metavar="DID", help="only tokens of this organisation or service provider")
        add_subject_option(verb)
        add_json_option(verb)


def _list(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        query = [] if arguments.party is None else [("party", str(arguments.party))]
        answer = (await api.get(f"{TOKENS}/{api.subject(arguments.subject)}/tokens", query)).value
        if arguments.json:
            show_json(answer)
            return DONE
        heads = ("UNTIL", "URA", "NAME", "USER", "KNOWN BY", "SCOPE", "ID")
        paths = (
            ("expires_at",),
            ("ura",),
            ("name",),
            ("user", "identifier"),
            ("user", "evidence"),
            ("scope",),
            ("id",),
        )
        show_table(heads, [[word(token, *path) for path in paths] for token in members(answer, "tokens")])
        if pick(answer, "more"):
            say("there are more; name a party to see its tokens")
        return DONE

    return with_node(arguments.config, work)


def _end(arguments: argparse.Namespace) -> int:
    if sum((arguments.id is not None, arguments.party is not None, arguments.everybody)) != 1:
        raise CommandError("say which tokens: ID, --party DID or --everybody", code=USAGE)

    async def work(api: NodeApi) -> int:
        path = f"{TOKENS}/{api.subject(arguments.subject)}/tokens"
        if arguments.id is not None:
            await api.call("DELETE", f"{path}/{segment(str(arguments.id))}")
            ended = 1
        else:
            whose = {"everybody": "true"} if arguments.everybody else {"party": str(arguments.party)}
            counted = pick((await api.call("DELETE", f"{path}?{urlencode(whose)}")).value, "ended")
            ended = counted if isinstance(counted, int) else 0
        if arguments.json:
            show_json({"ended": ended})
        else:
            say("1 token ended" if ended == 1 else f"{ended} tokens ended")
            say("who lost one may ask for another; what keeps them out is revoking a credential, or the use case")
        return DONE

    return with_node(arguments.config, work)
