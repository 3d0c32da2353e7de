"""HTTP of this room: did.json for the world, subjects and wallet for the vendor (WIRE §2.2, §3).

What changes in documents is in ``vdr_routes.py``, our own API about keys in ``key_routes.py``; their routes are returned here too.

Ids in paths arrive percent-decoded once; a did:web with a port comes in three spellings (``%3A``, ``%253A``, ``:``), all of which
are understood (WIRE §2.1). What goes wrong is translated in ``boundary.py``.
"""

import re
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from credentials.did.did_web import web_did
from credentials.did.identifier import DID, parse_did
from credentials.errors import CredentialError, MalformedError, UntrustedError
from node.identity import key_routes, vdr_routes
from node.identity.path_ids import id_in_path
from node.identity.resolver import DidResolver
from node.identity.vdr_routes import AS_NUTS_NODE, SUBJECTS, KeysWanted
from node.identity.wallet import Wallet
from node.ports import Clock
from node.web.bodies import read_json, read_model
from node.web.operation import operation
from node.web.replies import RequestError

__all__ = ["CLOCK", "PUBLIC_URL", "RESOLVER", "SUBJECTS", "WALLET", "internal_routes", "public_routes"]

WALLET = web.AppKey("WALLET", Wallet)
RESOLVER = web.AppKey("RESOLVER", DidResolver)
PUBLIC_URL = web.AppKey("PUBLIC_URL", str)
CLOCK = web.AppKey("IDENTITY_CLOCK", Clock)

_CACHEABLE = {"Cache-Control": "max-age=300"}
_METADATA = {
    "created": "0001-01-01T00:00:00Z",
    "hash": "0" * 64,
    "txs": None,
    "deactivated": False,
}
"""What nuts-node says beside a document of these methods: nothing, in as many words (WIRE §2.2)."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_WALLET_MEDIA_TYPES = ("application/ld+json", "application/vc+ld+json")


class NewSubject(BaseModel):
    """Body of ``POST /internal/vdr/v2/subject``."""

    model_config = AS_NUTS_NODE

    subject: str | None = None
    keys: KeysWanted = KeysWanted()


def public_routes(base_path: str = "") -> list[web.RouteDef]:
    """Return the routes of the public listener.

    Args:
        base_path: the path of the node's public URL, without a trailing slash.
    """
    return [web.get(base_path + "/iam/{id}/did.json", get_document)]


def internal_routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener. ``{subject}`` in a path is always the organisation acted for."""
    return [
        web.get("/internal/vdr/v2/subject", operation("ListSubjects", get_subjects)),
        web.post("/internal/vdr/v2/subject", operation("CreateSubject", post_subject)),
        web.get("/internal/vdr/v2/subject/{subject}", operation("SubjectDIDs", get_subject)),
        web.get("/internal/vdr/v2/did/{did}", operation("ResolveDID", get_did)),
        *vdr_routes.routes(),
        *key_routes.routes(),
        web.get("/internal/vcr/v2/holder/{subject}/vc", get_wallet),
        web.post("/internal/vcr/v2/holder/{subject}/vc", post_wallet),
        web.delete("/internal/vcr/v2/holder/{subject}/vc/{id}", delete_wallet),
    ]


async def get_document(request: web.Request) -> web.Response:
    """``GET /iam/{id}/did.json`` (WIRE §2.2): one of our DID documents."""
    name = request.match_info["id"]
    if _UUID.fullmatch(name) is None:
        raise _no_such_did()
    document = await request.app[SUBJECTS].document(web_did(request.app[PUBLIC_URL], name))
    if document is None:
        raise _no_such_did()
    return web.json_response(document, headers=_CACHEABLE)


async def get_subjects(request: web.Request) -> web.Response:
    """``GET /internal/vdr/v2/subject``: every organisation hosted here with its DIDs."""
    return web.json_response({one.name: list(one.dids) for one in await request.app[SUBJECTS].all()})


async def post_subject(request: web.Request) -> web.Response:
    """``POST /internal/vdr/v2/subject``: create one."""
    wanted = await read_model(request, NewSubject) if request.body_exists else NewSubject()
    wanted.keys.check()
    subjects = request.app[SUBJECTS]
    made = await subjects.create(wanted.subject)
    documents = [await subjects.document(did) for did in made.dids]
    return web.json_response({"documents": documents, "subject": made.name})


async def get_subject(request: web.Request) -> web.Response:
    """``GET /internal/vdr/v2/subject/{subject}``: the DIDs of one organisation."""
    found = await request.app[SUBJECTS].get(request.match_info["subject"])
    return web.json_response(list(found.dids))


async def get_did(request: web.Request) -> web.Response:
    """``GET /internal/vdr/v2/did/{did}``: resolve a DID, ours or another's, to its document as published."""
    try:
        did = parse_did(id_in_path(request.match_info["did"]))
    except MalformedError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_did", "this is not a DID") from error
    return web.json_response({"document": await _resolve(request, did), "documentMetadata": _METADATA})


async def get_wallet(request: web.Request) -> web.Response:
    """``GET /internal/vcr/v2/holder/{subject}/vc``: what an organisation can present now."""
    found = await request.app[WALLET].credentials(request.match_info["subject"])
    return web.json_response([credential.raw for credential in found])


async def post_wallet(request: web.Request) -> web.Response:
    """``POST /internal/vcr/v2/holder/{subject}/vc``: put a credential in; 204, also when it was there already."""
    body = await read_json(request, media_types=_WALLET_MEDIA_TYPES)
    if not isinstance(body, str | dict):
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_credential", "the body is neither a JWT nor an object")
    try:
        await request.app[WALLET].load(request.match_info["subject"], body, request.app[CLOCK].now())
    except CredentialError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_credential", str(error)) from error
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def delete_wallet(request: web.Request) -> web.Response:
    """``DELETE /internal/vcr/v2/holder/{subject}/vc/{id}``: take a credential out."""
    await request.app[WALLET].remove(request.match_info["subject"], id_in_path(request.match_info["id"]))
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _resolve(request: web.Request, did: DID) -> dict[str, Any]:
    try:
        return await request.app[RESOLVER].document(did)
    except UntrustedError as error:
        raise RequestError(HTTPStatus.NOT_FOUND, "unresolvable_did", "the DID can not be resolved") from error


def _no_such_did() -> RequestError:
    return RequestError(HTTPStatus.NOT_FOUND, "unknown_did", "DID not found", headers={"Cache-Control": "no-store"})
