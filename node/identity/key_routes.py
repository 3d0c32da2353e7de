"""Our own API about signing keys, for ``hazel key``: list, rotate, retire, compromise."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from node.identity.key_changes import OwnKey
from node.identity.vdr_routes import KEY_CHANGES
from node.web.bodies import read_model
from node.web.parameters import read_parameters


class NamedKey(BaseModel):
    """Which key."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    kid: str


def routes() -> list[web.RouteDef]:
    """Return the routes; ``{subject}`` in a path is always the organisation acted for."""
    subject = "/internal/keys/v1/{subject}"
    return [
        web.get(subject, get_keys),
        web.post(f"{subject}/rotate", post_rotate),
        web.post(f"{subject}/retire", post_retire),
        web.post(f"{subject}/compromise", post_compromise),
    ]


async def get_keys(request: web.Request) -> web.Response:
    """``GET /internal/keys/v1/{subject}``: every key of an organisation, present and former."""
    read_parameters(request)
    found = await request.app[KEY_CHANGES].keys(request.match_info["subject"])
    return web.json_response([_to_json(key) for key in found])


async def post_rotate(request: web.Request) -> web.Response:
    """``POST …/rotate``: a new key signs from now on, the older ones go on verifying."""
    read_parameters(request)
    made = await request.app[KEY_CHANGES].rotate(request.match_info["subject"])
    return web.json_response({"made": [method["id"] for method in made]})


async def post_retire(request: web.Request) -> web.Response:
    """``POST …/retire`` {``kid``}: an older key no longer verifies."""
    named = await read_model(request, NamedKey)
    await request.app[KEY_CHANGES].retire(request.match_info["subject"], named.kid)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def post_compromise(request: web.Request) -> web.Response:
    """``POST …/compromise`` {``kid``}: out of service at once, and what hung on it is made anew."""
    named = await read_model(request, NamedKey)
    signs = await request.app[KEY_CHANGES].compromise(request.match_info["subject"], named.kid)
    return web.json_response({"signs": signs})


def _to_json(key: OwnKey) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "did": key.did,
        "state": "signs" if key.signs else key.removed_because or "verifies",
        "created_at": _moment(key.created_at),
        "removed_at": None if key.removed_at is None else _moment(key.removed_at),
    }


def _moment(when: datetime) -> str:
    return when.isoformat(timespec="seconds").replace("+00:00", "Z")
