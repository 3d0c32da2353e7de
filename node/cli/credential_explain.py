"""``hazel credential explain SCOPE``: would our wallet do for a scope, and which field of which credential fails where not."""

import argparse
from typing import Any

from node.cli.api import NodeApi, with_node
from node.cli.options import add_json_option, add_subject_option, add_verb
from node.cli.output import (
    DONE,
    NOTHING,
    REFUSED,
    USAGE,
    CommandError,
    members,
    pick,
    say,
    show,
    show_json,
    show_table,
    word,
)
from node.cli.person import add_person_options, asking_person
from node.cli.usecase_files import known_usecases
from node.config.model import Config

EMPLOYEE_TYPE = "NutsEmployeeCredential"
"""What an organisation says of its own people, without a signature; it is in no wallet."""

MAX_CELL = 40
"""Characters of a credential's id; ``--json`` has everything."""


def add_explain(verbs: Any) -> None:
    """Describe the command; ``verbs`` are those of ``hazel credential``."""
    parser = add_verb(
        verbs, "explain", "would our credentials do for a scope, and which field of which one fails where not", _explain
    )
    parser.epilog = "nothing is presented; exit code 0 when the wallet has what is asked, 1 when it does not"
    parser.add_argument("scope", metavar="SCOPE", help="what a token would be asked for, or the use case it is for")
    parser.add_argument(
        "--server",
        metavar="URL",
        help="authorization server of the other organisation (default: what this node itself asks)",
    )
    parser.add_argument(
        "--select",
        metavar="FIELD=VALUE",
        action="append",
        default=[],
        help="take only credentials in which this field has this value, as credential_selection does; may be repeated",
    )
    add_person_options(parser)
    add_subject_option(parser)
    add_json_option(parser)


def _explain(arguments: argparse.Namespace) -> int:
    selection = _selection(arguments.select)

    async def work(api: NodeApi) -> int:
        person = asking_person(arguments, api.config)
        asked = {
            "scope": _scope(arguments.scope, api.config),
            "authorization_server": arguments.server,
            "user": person,
            "credential_selection": selection,
        }
        explained = (await api.post(f"/internal/explain/v1/{api.subject(arguments.subject)}/credentials", asked)).value
        if arguments.json:
            show_json(explained)
        else:
            _show(explained, somebody=person is not None)
        return DONE if pick(explained, "satisfied") is True else REFUSED

    return with_node(arguments.config, work)


def _selection(words: list[str]) -> dict[str, str]:
    selection = {}
    for each in words:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise CommandError("--select is FIELD=VALUE", "for example: --select patient_id=123", code=USAGE)
        selection[name] = value
    return selection


def _scope(given: str, config: Config) -> str:
    """Return the scope; of what is no scope but the id of a use case, the one of that use case, and say so."""
    known = known_usecases(config)
    if given not in known or any(one.usecase.wire_scope == given for one in known.values()):
        return given
    scope = known[given].usecase.wire_scope
    say(f"{given} is the use case; its scope is {scope}")
    return scope


def _show(explained: object, *, somebody: bool) -> None:
    for definition in members(explained, "definitions"):
        show(f"{word(definition, 'id')}, asked of the {word(definition, 'wallet_owner')}")
        for holder in members(definition, "holders"):
            show(f"{word(holder, 'did')}: {word(holder, 'message')}")
            for descriptor in members(holder, "input_descriptors"):
                show("")
                _show_descriptor(descriptor)
                if not somebody and _misses_employee(descriptor):
                    show("  we say ourselves who asks: add --user, --role and --name, or set cli_user")
        show("")
    show(
        "the wallet has what is asked"
        if pick(explained, "satisfied") is True
        else "the wallet does NOT have what is asked"
    )


def _show_descriptor(descriptor: object) -> None:
    name = word(descriptor, "name")
    show(f"{word(descriptor, 'id')}{'' if name == NOTHING else f' ({name})'}")
    lines = members(descriptor, "credentials")
    if not lines:
        types = word(descriptor, "types")
        show("  there is no credential at all" + ("" if types == NOTHING else f"; one of type {types} is asked for"))
        return
    show_table(
        ("", "TYPE", "FIELD", "WHY", "ID"),
        [
            (
                _verdict(line, pick(descriptor, "chosen")),
                word(line, "type"),
                word(line, "field"),
                word(line, "reason") if pick(line, "fits") is not True else "every field fits",
                _short(word(line, "id")),
            )
            for line in lines
        ],
    )
    more = pick(descriptor, "not_told")
    if isinstance(more, int) and more:
        show(f"  and {more} more")


def _misses_employee(descriptor: object) -> bool:
    """Whether it asks for somebody of ours, and nothing in the wallet does."""
    fits = any(pick(line, "fits") is True for line in members(descriptor, "credentials"))
    return EMPLOYEE_TYPE in members(descriptor, "types") and not fits


def _verdict(line: object, chosen: object) -> str:
    if pick(line, "fits") is not True:
        return "no"
    return "shown" if pick(line, "id") == chosen else "fits"


def _short(text: str) -> str:
    """Return the end of an id, where credentials of one issuer differ."""
    return text if len(text) <= MAX_CELL else f"…{text[1 - MAX_CELL :]}"
