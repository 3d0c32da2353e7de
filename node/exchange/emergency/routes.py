"""The review queue: ``/internal/emergencies/v1/{subject}``."""

from aiohttp import web

from node.exchange.emergency.book import EmergencyBook
from node.exchange.emergency.emergency import Review
from node.identity.routes import SUBJECTS
from node.web.bodies import read_model
from node.web.internal_auth import caller_name
from node.web.parameters import read_parameters
from node.web.replies import RequestError

EMERGENCIES = web.AppKey("EMERGENCIES", EmergencyBook)

_NO_STORE = {"Cache-Control": "no-store"}


def internal_routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener."""
    base = "/internal/emergencies/v1/{subject}"
    return [
        web.get(base, get_queue, allow_head=False),
        web.post(base + "/{id:[0-9a-f-]{36}}/review", post_review),
    ]


async def get_queue(request: web.Request) -> web.Response:
    """``GET /internal/emergencies/v1/{subject}?state=open|reviewed``: where the glass was broken; ``open`` is the queue."""
    state = read_parameters(request, "state").get("state", "open")
    if state not in ("open", "reviewed"):
        raise RequestError(400, "state", "state is open or reviewed")
    subject = await request.app[SUBJECTS].get(request.match_info["subject"])
    found = await request.app[EMERGENCIES].listed(subject.name, reviewed=state == "reviewed")
    return web.json_response({"emergencies": [each.to_json() for each in found]}, headers=_NO_STORE)


async def post_review(request: web.Request) -> web.Response:
    """``POST /internal/emergencies/v1/{subject}/{id}/review``: judge one, once."""
    read_parameters(request)
    review = await read_model(request, Review)
    place = request.match_info
    found = await request.app[EMERGENCIES].review(place["subject"], place["id"], review, caller=caller_name(request))
    return web.json_response(found.to_json(), headers=_NO_STORE)
