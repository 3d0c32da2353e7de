"""``hazel discovery …``: the services where organisations find each other."""

import argparse
import json
from http import HTTPStatus
from typing import Any

from node.cli.api import NodeApi, segment, with_node
from node.cli.discovery_log import add_promote, log_of, promote, show_keys, show_log
from node.cli.options import add_json_option, add_subject_option, add_verb, add_verbs
from node.cli.output import DONE, NOTHING, UNREACHABLE, CommandError, pick, say, show, show_json, show_table, word
from node.config.model import Config

BASE = "/internal/discovery/v1"


def add_parser(parser: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    verbs = add_verbs(parser)
    add_json_option(add_verb(verbs, "list", "the services this node has a definition of", _list))
    status = add_verb(
        verbs, "status", "per service: are we registered, how fresh is our copy, what goes wrong", _status
    )
    status.add_argument("--service", help="only this one, with the keys that a definition needs to name this node")
    add_subject_option(status)
    add_json_option(status)
    search = add_verb(verbs, "search", "who is registered at a service", _search)
    search.add_argument("service", metavar="SERVICE")
    search.add_argument(
        "conditions",
        metavar="PATH=VALUE",
        nargs="*",
        help="what a credential must say, for example credentialSubject.subject.O=*gouwe*; a star is a wildcard",
    )
    add_json_option(search)
    join = add_verb(verbs, "join", "register an organisation at a service, and keep it registered", _join)
    join.add_argument("service", metavar="SERVICE")
    join.add_argument(
        "--parameter", metavar="NAME=VALUE", action="append", default=[], help="told to the others; repeatable"
    )
    add_subject_option(join)
    leave = add_verb(verbs, "leave", "withdraw an organisation from a service", _leave)
    leave.add_argument("service", metavar="SERVICE")
    add_subject_option(leave)
    add_promote(
        add_verb(
            verbs, "promote", "become the host of a service that this node mirrors and whose host is lost", promote
        )
    )


def _list(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        services = (await api.get(BASE)).value or []
        if arguments.json:
            show_json(services)
        else:
            joined = api.config.discovery
            rows = [
                (
                    word(one, "id"),
                    ", ".join(
                        role
                        for role, names in (("join", joined.join), ("host", joined.host))
                        if pick(one, "id") in names
                    )
                    or NOTHING,
                    word(one, "endpoint"),
                )
                for one in services
            ]
            show_table(("SERVICE", "CONFIGURED", "ENDPOINT"), rows)
        return DONE

    return with_node(arguments.config, work)


def _status(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        subject = api.subject(arguments.subject)
        found: dict[str, Any] = {}
        for one in (await api.get(BASE)).value or []:
            service = word(one, "id")
            if arguments.service in {None, service}:
                found[service] = dict((await api.get(f"{BASE}/{segment(service)}/{subject}")).value or {})
                state = await log_of(api, service)
                if state is not None:
                    found[service]["state"] = state
        if arguments.service is not None and not found:
            raise CommandError(f"there is no service {arguments.service}", "see: hazel discovery list")
        if arguments.json:
            show_json(found)
            return DONE
        show_table(
            ("SERVICE", "REGISTERED", "EXPIRES", "NEXT REFRESH", "MEMBERS", "LIST READ AT"),
            [
                (
                    service,
                    word(one, "activated"),
                    word(one, "expires_at"),
                    word(one, "due_at"),
                    word(one, "replica", "members"),
                    word(one, "replica", "refreshed_at"),
                )
                for service, one in found.items()
            ],
        )
        for service, one in found.items():
            for what, error in (("registration", pick(one, "error")), ("list", pick(one, "replica", "error"))):
                if error:
                    show(f"{service}: {what}: {word(error)}{_queued(one) if what == 'registration' else ''}")
        for one in found.values():
            if pick(one, "state"):
                show_log(one["state"])
                if arguments.service is not None:
                    show_keys(one["state"])
        return DONE

    return with_node(arguments.config, work)


def _search(arguments: argparse.Namespace) -> int:
    conditions = [_pair(text, "a condition is PATH=VALUE") for text in arguments.conditions]

    async def work(api: NodeApi) -> int:
        found = (await api.get(f"{BASE}/{segment(arguments.service)}", conditions)).value or []
        if arguments.json:
            show_json(found)
        else:
            show_table(
                ("HOLDER", "FIELDS", "PARAMETERS"),
                [
                    (
                        word(one, "credential_subject_id"),
                        _listed(pick(one, "fields")),
                        _listed(pick(one, "registrationParameters")),
                    )
                    for one in found
                ],
            )
        return DONE

    return with_node(arguments.config, work)


def _join(arguments: argparse.Namespace) -> int:
    parameters = dict(_pair(text, "--parameter is NAME=VALUE") for text in arguments.parameter)

    async def work(api: NodeApi) -> int:
        own = _own_parameters(api.config, arguments.subject or api.config.organisation.subject)
        await api.post(_registration(api, arguments), {"registrationParameters": {**own, **parameters}})
        say(f"registered at {arguments.service}, and kept registered from now on")
        return DONE

    return with_node(arguments.config, work)


def _leave(arguments: argparse.Namespace) -> int:
    async def work(api: NodeApi) -> int:
        answer = await api.call("DELETE", _registration(api, arguments))
        if answer.status == HTTPStatus.ACCEPTED:
            say(f"left {arguments.service} here, but its host could not be told: {word(answer.value, 'reason')}")
            say("       there the registration ends by itself when it expires, or try again")
            return UNREACHABLE
        say(f"left {arguments.service}")
        if arguments.service in api.config.discovery.join:
            say(f"note: {arguments.service} stands in discovery.join: the next start of the node registers again")
        return DONE

    return with_node(arguments.config, work)


def _queued(one: Any) -> str:
    """What becomes of a registration that could not be delivered."""
    left = pick(one, "expires_in_ms")
    if not pick(one, "queued"):
        return ""
    if not isinstance(left, int):
        return f" (queued, tried again at {word(one, 'due_at')})"
    minutes = left // 60_000
    return f" (queued, tried again at {word(one, 'due_at')}; ours expires in {minutes // 60} h {minutes % 60} min)"


def _own_parameters(config: Config, subject: str) -> dict[str, str]:
    """Return what the node says about itself when it registers: without it nobody could reach the organisation."""
    from node.registries.routes import own_parameters  # brings half the node along, which no other command here needs

    return own_parameters(config.url, subject, tuple(config.fhir), config.organisation.facility_type)


def _registration(api: NodeApi, arguments: argparse.Namespace) -> str:
    return f"{BASE}/{segment(arguments.service)}/{api.subject(arguments.subject)}"


def _pair(text: str, rule: str) -> tuple[str, str]:
    name, is_given, value = text.partition("=")
    if not is_given or not name:
        raise CommandError(rule, "for example: credentialSubject.subject.O=*gouwe*", code=2)
    return name, value


def _listed(values: object) -> str:
    if not isinstance(values, dict) or not values:
        return NOTHING
    return "; ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in values.items()
    )
