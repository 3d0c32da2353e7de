"""HTTP of this room: did.json for the world, subjects and wallet for the vendor (WIRE §2.2, §3).

Ids in paths arrive percent-decoded once; a did:web with a port comes in three spellings (``%3A``, ``%253A``, ``:``), all of which
are understood (WIRE §2.1). What goes wrong is translated in ``boundary.py``.
"""

import re
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from credentials.did.did_web import web_did
from credentials.did.document import build_document
from credentials.did.identifier import DID, parse_did
from credentials.errors import CredentialError, MalformedError, UntrustedError
from node.identity.path_ids import id_in_path
from node.identity.resolver import DidResolver
from node.identity.subjects import Subjects
from node.identity.wallet import Wallet
from node.ports import Clock
from node.web.bodies import read_json, read_model
from node.web.replies import RequestError

SUBJECTS = web.AppKey("SUBJECTS", Subjects)
WALLET = web.AppKey("WALLET", Wallet)
RESOLVER = web.AppKey("RESOLVER", DidResolver)
PUBLIC_URL = web.AppKey("PUBLIC_URL", str)
CLOCK = web.AppKey("IDENTITY_CLOCK", Clock)

_CACHEABLE = {"Cache-Control": "max-age=300"}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_AS_NUTS_NODE = ConfigDict(strict=True, frozen=True, extra="ignore", populate_by_name=True)
_WALLET_MEDIA_TYPES = ("application/ld+json", "application/vc+ld+json")


class KeysWanted(BaseModel):
    """Which keys a new subject gets; only signing keys exist for did:web (WIRE §2.2)."""

    model_config = _AS_NUTS_NODE

    assertion_key: bool = Field(default=True, alias="assertionKey")
    encryption_key: bool = Field(default=False, alias="encryptionKey")


class NewSubject(BaseModel):
    """Body of ``POST /internal/vdr/v2/subject``."""

    model_config = _AS_NUTS_NODE

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
        web.get("/internal/vdr/v2/subject", get_subjects),
        web.post("/internal/vdr/v2/subject", post_subject),
        web.get("/internal/vdr/v2/subject/{subject}", get_subject),
        web.get("/internal/vdr/v2/did/{did}", get_did),
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
    wanted = await read_model(request, NewSubject)
    if wanted.keys.encryption_key or not wanted.keys.assertion_key:
        raise RequestError(
            HTTPStatus.BAD_REQUEST, "unsupported_keys", "a did:web subject has one signing key and no encryption key"
        )
    subjects = request.app[SUBJECTS]
    made = await subjects.create(wanted.subject)
    documents = [await subjects.document(did) for did in made.dids]
    return web.json_response({"documents": documents, "subject": made.name})


async def get_subject(request: web.Request) -> web.Response:
    """``GET /internal/vdr/v2/subject/{subject}``: the DIDs of one organisation."""
    found = await request.app[SUBJECTS].get(request.match_info["subject"])
    return web.json_response(list(found.dids))


async def get_did(request: web.Request) -> web.Response:
    """``GET /internal/vdr/v2/did/{did}``: resolve a DID, ours or another's, to its assertion keys."""
    try:
        did = parse_did(id_in_path(request.match_info["did"]))
    except MalformedError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_did", "this is not a DID") from error
    return web.json_response({"document": await _resolve(request, did), "documentMetadata": {"deactivated": False}})


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
    """Return a document with the keys that count; anything else another host says in its document is left out."""
    own = await request.app[SUBJECTS].document(did)
    if own is not None:
        return own
    try:
        keys = await request.app[RESOLVER].keys([did])
    except UntrustedError as error:
        raise RequestError(HTTPStatus.NOT_FOUND, "unresolvable_did", "the DID can not be resolved") from error
    return build_document(did, tuple(keys.items()))


def _no_such_did() -> RequestError:
    return RequestError(HTTPStatus.NOT_FOUND, "unknown_did", "DID not found", headers={"Cache-Control": "no-store"})
