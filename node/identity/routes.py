"""HTTP of this room: did.json for the world, subjects for the vendor (WIRE §2.2, §3).

What changes in documents is in ``vdr_routes.py``, our own API about keys in ``key_routes.py``; their routes are returned here too. The
wallet's are in ``node/vendor/holder.py``, since what goes in is verified there.

Ids in paths arrive percent-decoded once; a did:web with a port comes in three spellings (``%3A``, ``%253A``, ``:``), all of which
are understood (WIRE §2.1). What goes wrong is translated in ``boundary.py``.
"""

import re
from datetime import datetime
from http import HTTPStatus
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from credentials.did.did_web import web_did
from credentials.did.identifier import DID, parse_did
from credentials.errors import MalformedError, UntrustedError
from node.identity import key_routes, vdr_routes
from node.identity.errors import DeactivatedError
from node.identity.path_ids import id_in_path
from node.identity.resolver import DidResolver
from node.identity.vdr_routes import AS_NUTS_NODE, SUBJECTS, KeysWanted
from node.identity.wallet import Wallet
from node.ports import Clock
from node.web.bodies import read_model
from node.web.operation import operation
from node.web.replies import RequestError

__all__ = ["CLOCK", "PUBLIC_URL", "RESOLVER", "SUBJECTS", "WALLET", "internal_routes", "public_routes"]

WALLET = web.AppKey("WALLET", Wallet)
RESOLVER = web.AppKey("RESOLVER", DidResolver)
PUBLIC_URL = web.AppKey("PUBLIC_URL", str)
CLOCK = web.AppKey("IDENTITY_CLOCK", Clock)

_CACHEABLE = {"Cache-Control": "max-age=300"}
_METADATA: dict[str, Any] = {
    "created": "0001-01-01T00:00:00Z",
    "hash": "0" * 64,
    "txs": None,
    "deactivated": False,
}
"""What nuts-node says beside a document of somebody else: nothing, in as many words (WIRE §2.2)."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


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
    """``GET /internal/vdr/v2/subject/{subject}``: the DIDs of one organisation, also of one that was deactivated."""
    return web.json_response(list(await request.app[SUBJECTS].dids_ever(request.match_info["subject"])))


async def get_did(request: web.Request) -> web.Response:
    """``GET /internal/vdr/v2/did/{did}``: resolve a DID, ours or another's, to its document as published."""
    try:
        did = parse_did(id_in_path(request.match_info["did"]))
    except MalformedError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_did", "this is not a DID") from error
    metadata = dict(_METADATA)
    history = await request.app[SUBJECTS].history(did)
    if history is not None:
        if history.is_deactivated:
            raise DeactivatedError
        metadata |= {"created": _second(history.created), "updated": _second(history.updated)}
    return web.json_response({"document": await _resolve(request, did), "documentMetadata": metadata})


async def _resolve(request: web.Request, did: DID) -> dict[str, Any]:
    try:
        return await request.app[RESOLVER].document(did)
    except UntrustedError as error:
        raise RequestError(HTTPStatus.NOT_FOUND, "unresolvable_did", "the DID can not be resolved") from error


def _second(when: datetime) -> str:
    return when.isoformat(timespec="seconds").replace("+00:00", "Z")


def _no_such_did() -> RequestError:
    return RequestError(HTTPStatus.NOT_FOUND, "unknown_did", "DID not found", headers={"Cache-Control": "no-store"})
