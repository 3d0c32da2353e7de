"""``hazel consent list | grant | withdraw | who-may``: what citizens allow or refuse, as it is recorded here."""

import argparse
import json
from datetime import datetime
from typing import Any
from urllib.parse import quote

from node.cli.api import NodeApi, with_node
from node.cli.citizen import HOW, patient_parameter, read_bsn
from node.cli.consent_resource import CATEGORY_WORDS, Wish, consent_resource, withdrawn
from node.cli.options import add_json_option, add_subject_option, add_verb, add_verbs
from node.cli.output import DONE, NOTHING, USAGE, CommandError, members, pick, say, show_json, show_table, word
from node.world import SystemClock

FHIR_JSON = "application/fhir+json"

_DECISIONS = {"permit": "allowed", "deny": "refused", "not_applicable": "nothing said"}


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    verbs = add_verbs(parser)
    listed = add_verb(verbs, "list", "the consents and objections of one citizen", _list)
    grant = add_verb(verbs, "grant", "record what a citizen allows, or with --deny refuses", _grant)
    grant.add_argument("--deny", action="store_true", help="record an objection instead")
    grant.add_argument(
        "--organisation", metavar="URA", action="append", default=[], help="about this organisation; repeatable"
    )
    grant.add_argument(
        "--kind", metavar="CODE", action="append", default=[],
        help="about this kind of organisation, Vektis code such as V6 (hospitals); repeatable",
    )  # fmt: skip
    grant.add_argument(
        "--category", metavar="CODE", action="append", default=[],
        help=f"about these data: {', '.join(f'{code} ({name})' for name, code in CATEGORY_WORDS.items())}; "
        "repeatable (default: all data)",
    )  # fmt: skip
    grant.add_argument("--from", dest="start", metavar="DATE", help="from this day on (default: from now on)")
    grant.add_argument("--until", dest="end", metavar="DATE", help="until the end of this day (default: without end)")
    withdraw = add_verb(verbs, "withdraw", "end a consent or objection; it stays on record", _withdraw)
    withdraw.add_argument("id", metavar="ID", nargs="?", help="which (default: the only one in effect)")
    withdraw.add_argument("--all", action="store_true", help="all that are in effect")
    who = add_verb(
        verbs, "who-may", "what the recorded consents alone say, per organisation; the care team may see more", _who_may
    )
    for verb in (listed, grant, withdraw, who):
        verb.epilog = HOW
        add_subject_option(verb)
        add_json_option(verb)


def _list(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        found = await _consents_of(api, arguments)
        if arguments.json:
            show_json(found)
        else:
            show_table(
                ("ID", "STATUS", "SAYS", "ABOUT", "DATA", "PERIOD"), [row for one in found for row in _rows(one)]
            )
        return DONE

    return with_node(arguments.config, work)


def _grant(arguments: argparse.Namespace) -> int:
    wish = Wish.parse(
        deny=arguments.deny,
        organisations=arguments.organisation,
        kinds=arguments.kind,
        categories=arguments.category,
        start=_day(arguments.start, "--from"),
        end=_day(arguments.end, "--until"),
    )

    async def work(api: NodeApi) -> int:
        resource = consent_resource(wish, bsn=read_bsn(), now=SystemClock().now())
        path = f"/internal/consent/v1/{api.subject(arguments.subject)}/Consent"
        answer = await api.call("POST", path, body=json.dumps(resource).encode(), content_type=FHIR_JSON)
        if arguments.json:
            show_json(answer.value)
        else:
            say(f"recorded as {word(answer.value, 'id')}")
        return DONE

    return with_node(arguments.config, work)


def _withdraw(arguments: argparse.Namespace) -> int:
    if arguments.all and arguments.id is not None:
        raise CommandError("give either ID or --all", code=USAGE)

    async def work(api: NodeApi) -> int:
        chosen = _chosen(await _consents_of(api, arguments), arguments.id, everything=arguments.all)
        ended = []
        for one in chosen:
            identifier, version = word(one, "id"), word(one, "meta", "versionId")
            answer = await api.call(
                "PUT",
                f"/internal/consent/v1/{api.subject(arguments.subject)}/Consent/{quote(identifier, safe='')}",
                body=json.dumps(withdrawn(one)).encode(),
                content_type=FHIR_JSON,
                headers={"If-Match": f'W/"{version}"'} if version != NOTHING else None,
            )
            ended.append(answer.value)
            say(f"{identifier} has no effect any more")
        if arguments.json:
            show_json(ended)
        return DONE

    return with_node(arguments.config, work)


def _who_may(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        path = f"/internal/consent/v1/{api.subject(arguments.subject)}/who-may/_search"
        value = (await api.post_form(path, [patient_parameter(read_bsn())])).value
        if arguments.json:
            show_json(value)
        else:
            show_table(
                ("WHO", "DATA", "DECISION", "BASIS", "CONSENT"),
                [
                    (
                        _who(pick(one, "organisation")),
                        word(one, "category"),
                        _DECISIONS.get(word(one, "decision"), word(one, "decision")),
                        word(one, "basis"),
                        word(one, "consent"),
                    )
                    for one in members(value, "entries")
                ],
            )
        return DONE

    return with_node(arguments.config, work)


async def _consents_of(api: NodeApi, arguments: argparse.Namespace) -> list[Any]:
    path = f"/internal/consent/v1/{api.subject(arguments.subject)}/Consent/_search"
    bundle = (await api.post_form(path, [patient_parameter(read_bsn())])).value
    return [pick(entry, "resource") for entry in members(bundle, "entry")]


def _chosen(found: list[Any], identifier: str | None, *, everything: bool) -> list[Any]:
    """Return which consents are meant; never more than was asked for."""
    active = [one for one in found if pick(one, "status") == "active"]
    if everything:
        return active
    if identifier is not None:
        meant = [one for one in found if pick(one, "id") == identifier]
        if not meant:
            raise CommandError("this citizen has no such consent here", "see: hazel consent list")
        if meant[0] not in active:
            raise CommandError("this consent has no effect already")
        return meant
    if not active:
        raise CommandError("this citizen has no consent in effect here")
    if len(active) > 1:
        raise CommandError(
            f"this citizen has {len(active)} consents in effect", "name one (hazel consent list), or --all"
        )
    return active


def _rows(resource: Any) -> list[tuple[str, ...]]:
    """Return a line per provision: the whole, and each exception to it."""
    whole = pick(resource, "provision")
    rows = [(word(resource, "id"), word(resource, "status"), *_provision(whole))]
    rows += [("", "", *_provision(one)) for one in members(whole, "provision")]
    return rows


def _provision(provision: Any) -> tuple[str, ...]:
    actors = [
        next((text for text in (word(actor, *place) for place in _ACTOR_PLACES) if text != NOTHING), "?")
        for actor in members(provision, "actor")
    ]
    codes = [word(code, "coding", 0, "code") for code in members(provision, "code")]
    start, end = (word(provision, "period", name) for name in ("start", "end"))
    return (
        {"permit": "allows", "deny": "refuses"}.get(word(provision, "type"), word(provision, "type")),
        ", ".join(actors) or "everyone",
        ", ".join(codes) or "all",
        NOTHING if (start, end) == (NOTHING, NOTHING) else f"{start} to {end}",
    )


_ACTOR_PLACES = (("reference", "identifier", "value"), ("role", "coding", 0, "code"))


def _who(organisation: Any) -> str:
    if pick(organisation, "everyone") is True:
        return "everyone else"
    if pick(organisation, "ura") is None:
        return f"kind {word(organisation, 'facility_type')}"
    return " ".join(each for each in (word(organisation, "ura"), word(organisation, "name")) if each != NOTHING)


def _day(text: str | None, option: str) -> str | None:
    """Return a date as FHIR writes it."""
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").date().isoformat()  # noqa: DTZ007  # a day, not a moment
    except ValueError as error:
        raise CommandError(f"{option} is a date such as 2026-12-31", code=USAGE) from error
