"""FHIR search on the replica, for our own systems: ``/internal/directory/v1/fhir``; and how the replica is.

The pages hold what directories elsewhere publish, as they publish it. With more than one of them, ids and references are ours, and
``meta.source`` says where a resource is from. Until a directory was loaded and caught up, there is no answer (LANDSCAPE §2.1.1).
"""

import re
from http import HTTPStatus

from aiohttp import hdrs, web

from node.directory.keys import FHIR, FINDER, REPLICA, ROUNDS
from node.directory.replica import Followed
from node.exchange.outcome import FHIR_JSON
from node.identity.routes import CLOCK
from node.web.bodies import read_form
from node.web.parameters import read_parameters
from node.web.replies import RequestError
from registry.mcsd.bundle import page_url, searchset
from registry.mcsd.query import CURSOR, Search, known_parameters
from registry.mcsd.resource import LOAD_ORDER, ResourceType, format_instant, is_id, resource_type

MAX_SEARCH_FORM = 16_384

_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}", re.ASCII)


async def get_search(request: web.Request) -> web.Response:
    """``GET /internal/directory/v1/fhir/{type}?…``: search (FHIR R4 §3.1.1, ITI-90)."""
    return await _search(request, list(request.query.items()))


async def post_search(request: web.Request) -> web.Response:
    """``POST /internal/directory/v1/fhir/{type}/_search``: the same, with the parameters in a form."""
    form = await read_form(request, max_bytes=MAX_SEARCH_FORM)
    return await _search(request, [*request.query.items(), *form])


async def get_resource(request: web.Request) -> web.Response:
    """``GET /internal/directory/v1/fhir/{type}/{id}``: one resource."""
    kind, identifier = _type(request), request.match_info["id"]
    read_parameters(request)
    await _check_ready(request)
    found = await request.app[FINDER].read(kind, identifier) if is_id(identifier) else None
    if found is None:
        raise RequestError(404, "unknown_resource", "there is no such resource in the replica")
    return web.Response(text=found.text, content_type=FHIR_JSON)


async def get_metadata(request: web.Request) -> web.Response:
    """``GET /internal/directory/v1/fhir/metadata``: what can be asked."""
    read_parameters(request)
    return web.json_response(_capabilities(format_instant(request.app[CLOCK].now())), content_type=FHIR_JSON)


async def get_status(request: web.Request) -> web.Response:
    """``GET /internal/directory/v1/status``: how each directory is followed, and what is held."""
    read_parameters(request)
    followed = await request.app[REPLICA].followed()
    counts = await request.app[REPLICA].counts()
    return web.json_response(
        {
            "dialect": request.app[ROUNDS].dialect,
            "resources": {kind: counts.get(kind, 0) for kind in LOAD_ORDER},
            "directories": [_directory(each) for each in followed],
        }
    )


async def post_sync(request: web.Request) -> web.Response:
    """``POST /internal/directory/v1/sync``: ask every directory now; answers when that is done."""
    read_parameters(request)
    if request.app[ROUNDS].dialect is None:
        raise _not_configured()
    await request.app[ROUNDS].follow_now()
    followed = await request.app[REPLICA].followed()
    return web.json_response({"directories": [_directory(each) for each in followed]})


async def _search(request: web.Request, pairs: list[tuple[str, str]]) -> web.Response:
    search = Search.parse(_type(request), pairs)
    await _check_ready(request)
    found = await request.app[FINDER].search(search)
    host = request.headers.get(hdrs.HOST, "")
    base = f"http://{host if _HOST.fullmatch(host) else 'localhost'}{FHIR}"
    asked = [(name, value) for name, value in pairs if name != CURSOR]
    following = None if found.after is None else page_url(base, search.type, [*asked, (CURSOR, str(found.after))])
    body = searchset(
        [(f"{base}/{each.type}/{each.id}", each.text) for each in found.matches],
        [(f"{base}/{each.type}/{each.id}", each.text) for each in found.included],
        self_url=page_url(base, search.type, pairs),
        next_url=following,
        total=found.total,
        now=request.app[CLOCK].now(),
    )
    return web.Response(body=body, content_type=FHIR_JSON)


def _type(request: web.Request) -> ResourceType:
    kind = resource_type(request.match_info["type"])
    if kind is None:
        raise RequestError(
            404, "unknown_type", "the directory has no such type", f"known here: {', '.join(LOAD_ORDER)}"
        )
    return kind


async def _check_ready(request: web.Request) -> None:
    """A replica that is not complete would say that somebody does not exist."""
    rounds = request.app[ROUNDS]
    if rounds.dialect is None:
        raise _not_configured()
    if not rounds.is_ready:
        raise RequestError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "not_loaded",
            "the directory is still being loaded",
            "see how far it is with: hazel directory sync",
            headers={"Retry-After": "10"},
        )


def _not_configured() -> RequestError:
    return RequestError(404, "no_directory", "no directory is followed", "set directory.url in hazel.yaml")


def _directory(followed: Followed) -> dict[str, object]:
    return {
        "url": followed.source.url,
        "role": followed.role,
        "organisations": list(followed.uras),
        "ready_at": None if followed.ready_at is None else format_instant(followed.ready_at),
        "followed_at": None if followed.followed_at is None else format_instant(followed.followed_at),
        "failures": followed.failures,
        "error": followed.error,
        "not_shown": dict(followed.refused),
    }


def _capabilities(date: str) -> dict[str, object]:
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": date,
        "kind": "instance",
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "implementation": {"description": "replica of the care services directory"},
        "rest": [
            {
                "mode": "server",
                "resource": [
                    {
                        "type": kind,
                        "interaction": [{"code": "read"}, {"code": "search-type"}],
                        "documentation": f"search: {known_parameters(kind)}",
                    }
                    for kind in LOAD_ORDER
                ],
            }
        ],
    }
