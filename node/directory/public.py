"""The small directory that others may follow: ``/directory/fhir`` on the public listener (ITI-90, ITI-91).

It holds our own entries, for everybody: read, all of a type, and what changed since. Nobody writes here. The time of a Bundle is a little
behind our clock, so that a version that was being written while it was made is not overlooked by who hands it back as ``_since``.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, Final

from aiohttp import hdrs, web

from credentials.errors import MalformedError
from node.directory.keys import OWN, PUBLIC
from node.directory.own import Version
from node.exchange.outcome import FHIR_JSON
from node.identity.routes import CLOCK, PUBLIC_URL
from node.web.parameters import read_parameters
from node.web.replies import RequestError
from registry.mcsd.bundle import page_url, with_entries
from registry.mcsd.resource import LOAD_ORDER, ResourceType, format_instant, is_id, parse_instant, resource_type
from registry.mcsd.values import milliseconds

MAX_PAGE: Final = 250
"""Entries on a page."""
BEHIND: Final = timedelta(seconds=10)
MAX_DIGITS: Final = 6

_FORMATS: Final = frozenset({"json", "application/json", FHIR_JSON})


async def get_all(request: web.Request) -> web.Response:
    """``GET /directory/fhir/{type}``: all entries of a type (ITI-90, without parameters)."""
    kind = _type(request)
    asked = _parameters(request, "_count", "_page")
    size, offset = _page(asked)
    found = await request.app[OWN].current(kind)
    page = found[offset : offset + size]
    return _bundle(request, "searchset", kind, "", asked, page, more=len(found) > offset + size, offset=offset + size)


async def get_history(request: web.Request) -> web.Response:
    """``GET /directory/fhir/{type}/_history?_since=``: every version since, newest first (ITI-91)."""
    kind = _type(request)
    asked = _parameters(request, "_since", "_count", "_page")
    size, offset = _page(asked)
    try:
        since = milliseconds(parse_instant(asked["_since"])) if "_since" in asked else 0
    except MalformedError:
        raise RequestError(400, "since", "_since is no instant", "a + in it is written %2B") from None
    found = await request.app[OWN].history(kind, since, offset=offset, limit=size + 1)
    more = len(found) > size
    return _bundle(request, "history", kind, "/_history", asked, found[:size], more=more, offset=offset + size)


async def get_one(request: web.Request) -> web.Response:
    """``GET /directory/fhir/{type}/{id}``: one entry, with its ETag; 304 for who has it."""
    kind, identifier = _type(request), request.match_info["id"]
    _parameters(request)
    found = await request.app[OWN].read(kind, identifier) if is_id(identifier) else None
    if found is None:
        raise RequestError(404, "unknown_resource", "there is no such entry here")
    headers = {"ETag": found.etag, "Last-Modified": _http_date(found), "Cache-Control": "max-age=60"}
    if found.etag in [each.strip() for each in request.headers.get(hdrs.IF_NONE_MATCH, "").split(",")]:
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(text=found.text, content_type=FHIR_JSON, headers=headers)


async def get_metadata(request: web.Request) -> web.Response:
    """``GET /directory/fhir/metadata``: what may be asked here."""
    _parameters(request)
    interactions = [{"code": code} for code in ("read", "search-type", "history-type")]
    statement = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": format_instant(request.app[CLOCK].now()),
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "implementation": {"description": "our own entries of the care services directory"},
        "rest": [{"mode": "server", "resource": [{"type": kind, "interaction": interactions} for kind in LOAD_ORDER]}],
    }
    return web.json_response(statement, content_type=FHIR_JSON)


def _bundle(
    request: web.Request,
    bundle_type: str,
    kind: ResourceType,
    path: str,
    asked: dict[str, str],
    versions: Sequence[Version],
    *,
    more: bool,
    offset: int,
) -> web.Response:
    base = f"{request.app[PUBLIC_URL]}{PUBLIC}"
    links = [{"relation": "self", "url": page_url(base, f"{kind}{path}", list(asked.items()))}]
    if more:
        pairs = [(name, value) for name, value in asked.items() if name != "_page"]
        links.append({"relation": "next", "url": page_url(base, f"{kind}{path}", [*pairs, ("_page", str(offset))])})
    head: dict[str, Any] = {
        "resourceType": "Bundle",
        "meta": {"lastUpdated": format_instant(request.app[CLOCK].now() - BEHIND)},
        "type": bundle_type,
        "link": links,
    }
    body = with_entries(head, [_entry(base, each, is_history=bundle_type == "history") for each in versions])
    return web.Response(body=body, content_type=FHIR_JSON)


def _entry(base: str, version: Version, *, is_history: bool) -> str:
    address = json.dumps(f"{base}/{version.type}/{version.id}")
    if not is_history:
        return f'{{"fullUrl":{address},"resource":{version.text},"search":{{"mode":"match"}}}}'
    request = {"method": "POST" if version.number == 1 else "PUT", "url": f"{version.type}/{version.id}"}
    moment = json.loads(version.text)["meta"]["lastUpdated"]
    status = "201 Created" if version.number == 1 else "200 OK"
    response = {"status": status, "etag": version.etag, "lastModified": moment}
    return f'{{"fullUrl":{address},"resource":{version.text},"request":{json.dumps(request)},"response":{json.dumps(response)}}}'


def _parameters(request: web.Request, *names: str) -> dict[str, str]:
    """Read these parameters, and ``_format``, which can only be JSON."""
    asked = read_parameters(request, *names, "_format")
    if asked.get("_format", "json") not in _FORMATS:
        raise RequestError(406, "format", "_format is json: there is no other form here")
    return asked


def _type(request: web.Request) -> ResourceType:
    kind = resource_type(request.match_info["type"])
    if kind is None:
        raise RequestError(404, "unknown_type", "there is no such type here", f"known here: {', '.join(LOAD_ORDER)}")
    return kind


def _page(asked: dict[str, str]) -> tuple[int, int]:
    numbers = []
    for name, default in (("_count", MAX_PAGE), ("_page", 0)):
        text = asked.get(name, str(default))
        if not (text.isascii() and text.isdigit()) or len(text) > MAX_DIGITS:
            raise RequestError(400, "number", f"{name} is a whole number")
        numbers.append(int(text))
    return max(1, min(numbers[0], MAX_PAGE)), numbers[1]


def _http_date(version: Version) -> str:
    moment = version.resource.last_updated
    assert moment is not None  # we gave it one
    return format_datetime(moment, usegmt=True)
