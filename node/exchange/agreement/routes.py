"""Agreements of an organisation: ``/internal/agreements/v1/{subject}``."""

from aiohttp import web

from node.exchange.agreement.agreement import NewAgreement
from node.exchange.agreement.book import AgreementBook
from node.identity.routes import SUBJECTS
from node.web.bodies import read_model
from node.web.internal_auth import caller_name
from node.web.parameters import read_parameters

AGREEMENTS = web.AppKey("AGREEMENTS", AgreementBook)

_NO_STORE = {"Cache-Control": "no-store"}


def internal_routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener."""
    base = "/internal/agreements/v1/{subject}"
    return [
        web.get(base, get_agreements, allow_head=False),
        web.post(base, post_agreement),
        web.delete(base + "/{id:[0-9a-f-]{36}}", delete_agreement),
    ]


async def get_agreements(request: web.Request) -> web.Response:
    """``GET /internal/agreements/v1/{subject}``: with whom we agreed on what."""
    read_parameters(request)
    subject = await request.app[SUBJECTS].get(request.match_info["subject"])
    found = await request.app[AGREEMENTS].listed(subject.name)
    return web.json_response({"agreements": [each.to_json() for each in found]}, headers=_NO_STORE)


async def post_agreement(request: web.Request) -> web.Response:
    """``POST /internal/agreements/v1/{subject}``: write one down."""
    new = await read_model(request, NewAgreement)
    subject = await request.app[SUBJECTS].get(request.match_info["subject"])
    made = await request.app[AGREEMENTS].add(subject.name, new, caller=caller_name(request))
    return web.json_response(made.to_json(), status=201, headers=_NO_STORE)


async def delete_agreement(request: web.Request) -> web.Response:
    """``DELETE /internal/agreements/v1/{subject}/{id}``: take one away, at once."""
    read_parameters(request)
    place = request.match_info
    await request.app[AGREEMENTS].remove(place["subject"], place["id"], caller=caller_name(request))
    return web.Response(status=204)
