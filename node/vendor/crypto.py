"""``/internal/crypto/v1`` (WIRE §3): signatures with our keys, for vendors that make their own messages.

Encryption is refused: a did:web key here signs and is never listed under ``keyAgreement``, so there is nobody to encrypt to and nothing
to decrypt with (WIRE §1.2).
"""

from http import HTTPStatus
from typing import NoReturn

from aiohttp import web

from credentials.errors import MalformedError
from node.identity.errors import UnknownKeyError
from node.vendor.bodies import SignJwsBody, SignJwtBody
from node.vendor.keys import SIGNATURES
from node.web.bodies import read_json, read_model
from node.web.internal_auth import caller_name, check_acts_for, names_subject
from node.web.operation import operation
from node.web.replies import RequestError


def routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener."""
    return [
        web.post("/internal/crypto/v1/sign_jwt", names_subject(operation("SignJwt", post_sign_jwt))),
        web.post("/internal/crypto/v1/sign_jws", names_subject(operation("SignJws", post_sign_jws))),
        web.post("/internal/crypto/v1/encrypt_jwe", names_subject(operation("EncryptJwe", post_jwe))),
        web.post("/internal/crypto/v1/decrypt_jwe", names_subject(operation("DecryptJwe", post_jwe))),
    ]


async def post_sign_jwt(request: web.Request) -> web.Response:
    """``POST /internal/crypto/v1/sign_jwt``: ``{kid, claims}`` -> a compact JWT as text."""
    asked = await read_model(request, SignJwtBody)
    try:
        check_acts_for(request, await request.app[SIGNATURES].owner(asked.kid))
        signed = await request.app[SIGNATURES].sign_jwt(asked.kid, asked.claims, caller_name(request))
    except (UnknownKeyError, MalformedError) as error:
        raise _refused(error) from error
    return web.Response(text=signed)


async def post_sign_jws(request: web.Request) -> web.Response:
    """``POST /internal/crypto/v1/sign_jws``: ``{kid, headers, payload, detached?}`` -> a compact JWS as text."""
    asked = await read_model(request, SignJwsBody)
    try:
        check_acts_for(request, await request.app[SIGNATURES].owner(asked.kid))
        signed = await request.app[SIGNATURES].sign_jws(
            asked.kid, asked.headers, asked.payload, detached=asked.detached, caller=caller_name(request)
        )
    except (UnknownKeyError, MalformedError) as error:
        raise _refused(error) from error
    return web.Response(text=signed)


async def post_jwe(request: web.Request) -> NoReturn:
    """``POST /internal/crypto/v1/encrypt_jwe`` and ``decrypt_jwe``: always 400, with the reason."""
    await read_json(request)
    raise RequestError(
        HTTPStatus.BAD_REQUEST,
        "encryption_not_supported",
        "keys of this node sign and do not agree on keys, so nothing is encrypted to them",
        "protect the message in transit with TLS",
    )


def _refused(error: UnknownKeyError | MalformedError) -> RequestError:
    if isinstance(error, UnknownKeyError):
        return RequestError(HTTPStatus.BAD_REQUEST, "unknown_key", str(error), "the keys of this node: hazel key list")
    return RequestError(HTTPStatus.BAD_REQUEST, "invalid_request", f"invalid sign request: {error}")
