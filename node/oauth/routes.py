"""HTTP of this room: the authorization server for peers, tokens and introspection for the vendor (WIRE §2.1, §3).

Unlike nuts-node, metadata and presentation definitions are served for organisations that exist here only (WIRE §4.8 (12)).
"""

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from credentials.errors import MalformedError
from credentials.query.selection import MAX_SELECTED_LENGTH, MAX_SELECTION
from node.identity.errors import UnknownSubjectError
from node.identity.path_ids import id_in_path
from node.identity.routes import CLOCK, PUBLIC_URL, SUBJECTS
from node.oauth import given
from node.oauth.definitions import ORGANIZATION, Definitions
from node.oauth.errors import OAuthCode, OAuthError
from node.oauth.exchange import TokenService
from node.oauth.explaining import WalletExplainer, WalletQuestion
from node.oauth.grants import TokenType
from node.oauth.introspect import Introspection
from node.oauth.messages import MAX_CLIENT_ID, MAX_SCOPE
from node.oauth.metadata import WELL_KNOWN, client_metadata, issuer_url, server_metadata
from node.oauth.nonces import HEADER
from node.oauth.peer_nonces import MAX_NONCE
from node.oauth.requester import TokenRequester
from node.oauth.self_attested import MAX_CREDENTIALS
from node.web.bodies import read_form, read_model
from node.web.caller import address_of, limited_address
from node.web.internal_auth import check_acts_for, may_act_for, names_subject
from node.web.limits import AtOnce
from node.web.replies import RequestError

TOKENS = web.AppKey("TOKENS", TokenService)
DEFINITIONS = web.AppKey("DEFINITIONS", Definitions)
INTROSPECTION = web.AppKey("INTROSPECTION", Introspection)
REQUESTER = web.AppKey("REQUESTER", TokenRequester)
WALLET_EXPLAINER = web.AppKey("WALLET_EXPLAINER", WalletExplainer)

TOKEN_REQUESTS = web.AppKey("TOKEN_REQUESTS", AtOnce)
TOKEN_BODIES = web.AppKey("TOKEN_BODIES", AtOnce)

REQUESTS_AT_ONCE = 256
"""Token requests that are read and verified at once; each may wait for the DID documents of a slow host."""

REQUESTS_OF_ONE = 96
"""Of one address."""

BODIES_AT_ONCE = 1_024
"""Token requests that arrive at once; all of them together can take 256 MiB, and mostly take a hundredth of it."""

TOKEN_BODY_SECONDS = 5.0
"""How long one may take to arrive: a presentation lives no longer."""

MAX_TOKEN_REQUEST = 262_144
"""Bytes; a presentation with two credentials and a chain of three certificates has about 20,000."""

MAX_CALL = 65_536
"""Bytes of a vendor's call."""

MAX_SUBJECT = 256
"""Characters of the name of an organisation of ours in a body."""

MAX_TEXT = 8_192
"""Characters of a proof or URL in a vendor's call."""

_CACHEABLE = {"Cache-Control": "max-age=300"}
_NEVER_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_AS_NUTS_NODE = ConfigDict(strict=True, frozen=True, extra="ignore")


class ServiceTokenCall(BaseModel):
    """Body of ``POST /internal/auth/v2/{subject}/request-service-access-token`` (WIRE §2.5.1).

    Members that we do not know are ignored, as nuts-node does; there are none that it knows and we do not.
    """

    model_config = _AS_NUTS_NODE

    authorization_server: str = Field(min_length=1, max_length=MAX_CLIENT_ID)
    scope: str = Field(min_length=1, max_length=MAX_SCOPE)
    credentials: list[dict[str, Any]] = Field(default=[], max_length=MAX_CREDENTIALS)
    token_type: str = "DPoP"  # noqa: S105  # a kind of token, not one
    credential_selection: dict[str, Annotated[str, Field(max_length=MAX_SELECTED_LENGTH)]] | None = Field(
        default=None, max_length=MAX_SELECTION
    )
    service_provider_subject_id: str | None = Field(default=None, min_length=1, max_length=MAX_SUBJECT)

    @property
    def kind(self) -> TokenType:
        """The kind of token; as with nuts-node, whatever is not Bearer is DPoP."""
        return "Bearer" if self.token_type.lower() == "bearer" else "DPoP"


class ProofCall(BaseModel):
    """Body of ``POST /internal/auth/v2/dpop/{kid}`` (WIRE §2.8)."""

    model_config = _AS_NUTS_NODE

    htm: str = Field(min_length=1, max_length=32)
    htu: str = Field(min_length=1, max_length=MAX_TEXT)
    token: str = Field(min_length=1, max_length=MAX_TEXT)
    nonce: str | None = Field(default=None, min_length=1, max_length=MAX_NONCE)


class ProofCheckCall(BaseModel):
    """Body of ``POST /internal/auth/v2/dpop/validate`` (WIRE §2.8)."""

    model_config = _AS_NUTS_NODE

    dpop_proof: str = Field(max_length=MAX_TEXT)
    method: str = Field(max_length=32)
    thumbprint: str = Field(max_length=128)
    token: str = Field(max_length=MAX_TEXT)
    url: str = Field(max_length=MAX_TEXT)


def public_routes(base_path: str = "") -> list[web.RouteDef]:
    """Return the routes of the public listener.

    Args:
        base_path: the path of the node's public URL, without a trailing slash.
    """
    issuer = base_path + "/oauth2/{subject}"
    return [
        web.get(WELL_KNOWN + issuer, get_metadata),
        web.get(issuer + "/oauth-client", get_client_metadata),
        web.get(issuer + "/presentation_definition", get_definition),
        web.post(issuer + "/token", post_token),
    ]


def internal_routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener. ``{subject}`` in a path is always the organisation acted for."""
    return [
        web.post("/internal/auth/v2/{subject}/request-service-access-token", post_service_token),
        web.post("/internal/auth/v2/accesstoken/introspect", post_introspect),
        web.post("/internal/auth/v2/accesstoken/introspect_extended", post_introspect_extended),
        web.post("/internal/auth/v2/dpop/validate", post_validate_proof),
        web.post("/internal/auth/v2/dpop/{kid}", post_create_proof),
        web.post("/internal/explain/v1/{subject}/credentials", post_explain_wallet),
        *given.routes(),
    ]


async def get_metadata(request: web.Request) -> web.Response:
    """``GET /.well-known/oauth-authorization-server/oauth2/{subject}`` (RFC 8414)."""
    issuer = await _issuer(request, status=HTTPStatus.NOT_FOUND)
    return web.json_response(server_metadata(issuer), headers=_CACHEABLE)


async def get_client_metadata(request: web.Request) -> web.Response:
    """``GET /oauth2/{subject}/oauth-client`` (WIRE §2.4)."""
    await _issuer(request)
    return web.json_response(client_metadata(), headers=_CACHEABLE)


async def get_definition(request: web.Request) -> web.Response:
    """``GET /oauth2/{subject}/presentation_definition?scope=&wallet_owner_type=`` (WIRE §2.5.2)."""
    await _issuer(request)
    asked = _once(list(request.query.items()))
    definition = request.app[DEFINITIONS].published(
        asked.get("scope", ""), asked.get("wallet_owner_type", ORGANIZATION)
    )
    return web.json_response(dict(definition.to_wire()), headers=_CACHEABLE)


async def post_token(request: web.Request) -> web.Response:
    """``POST /oauth2/{subject}/token`` (RFC 6749 §3.2): a token in exchange for a presentation."""
    proofs = request.headers.getall("DPoP", [])
    if len(proofs) > 1:
        raise OAuthError(OAuthCode.INVALID_DPOP_PROOF, "more than one DPoP header")
    if request.query_string:
        raise OAuthError(OAuthCode.INVALID_REQUEST, "parameters belong in the body")
    # what arrives byte by byte takes no place of those who are served
    with request.app[TOKEN_BODIES].of(limited_address(request)):
        form = await read_form(request, max_bytes=MAX_TOKEN_REQUEST, seconds=TOKEN_BODY_SECONDS)
    with request.app[TOKEN_REQUESTS].of(limited_address(request)):
        reply = await request.app[TOKENS].exchange(
            request.match_info["subject"], form, proofs[0] if proofs else None, address_of(request)
        )
    offered = {HEADER: request.app[TOKENS].nonce()} if proofs else {}
    return web.json_response(reply.to_wire(), headers={**_NEVER_STORED, **offered})


async def post_service_token(request: web.Request) -> web.Response:
    """``POST /internal/auth/v2/{subject}/request-service-access-token`` (WIRE §2.5.1): a token of another organisation."""
    call = await read_model(request, ServiceTokenCall, max_bytes=MAX_CALL)
    if call.service_provider_subject_id is not None:
        check_acts_for(request, call.service_provider_subject_id)
    try:
        token = await request.app[REQUESTER].token(
            request.match_info["subject"],
            authorization_server=call.authorization_server,
            scope=call.scope,
            credentials=call.credentials,
            selection=call.credential_selection,
            token_type=call.kind,
            service_provider=call.service_provider_subject_id,
            fresh="no-cache" in request.headers.get("Cache-Control", "").lower(),
        )
    except UnknownSubjectError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, "unknown_subject", f"invalid_request - {error}") from error
    except MalformedError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_credential", str(error)) from error
    left = int((token.expires_at - request.app[CLOCK].now()).total_seconds())
    reply: dict[str, Any] = {
        "access_token": token.access_token,
        "token_type": token.token_type,
        "expires_in": left,
        "expires_at": int(token.expires_at.timestamp()),
        "scope": token.scope,
    }
    if token.kid is not None:
        reply["dpop_kid"] = token.kid
    return web.json_response(reply, headers=_NEVER_STORED)


@names_subject
async def post_introspect(request: web.Request) -> web.Response:
    """``POST /internal/auth/v2/accesstoken/introspect`` (RFC 7662; WIRE §2.7)."""
    said = await request.app[INTROSPECTION].introspect(await _introspected(request), may=partial(may_act_for, request))
    return web.json_response(said, headers=_NEVER_STORED)


@names_subject
async def post_introspect_extended(request: web.Request) -> web.Response:
    """``POST /internal/auth/v2/accesstoken/introspect_extended`` (WIRE §2.7)."""
    said = await request.app[INTROSPECTION].introspect_extended(
        await _introspected(request), may=partial(may_act_for, request)
    )
    return web.json_response(said, headers=_NEVER_STORED)


@names_subject
async def post_create_proof(request: web.Request) -> web.Response:
    """``POST /internal/auth/v2/dpop/{kid}`` (WIRE §2.8): a proof for a request that the vendor sends itself."""
    call = await read_model(request, ProofCall, max_bytes=MAX_CALL)
    proof = await request.app[INTROSPECTION].create_proof(
        id_in_path(request.match_info["kid"]),
        method=call.htm,
        url=call.htu,
        access_token=call.token,
        nonce=call.nonce,
        may=partial(may_act_for, request),
    )
    return web.json_response({"dpop": proof}, headers=_NEVER_STORED)


@names_subject
async def post_validate_proof(request: web.Request) -> web.Response:
    """``POST /internal/auth/v2/dpop/validate`` (WIRE §2.8): is this proof good for that request, and new?"""
    call = await read_model(request, ProofCheckCall, max_bytes=MAX_CALL)
    verdict = await request.app[INTROSPECTION].validate_proof(
        call.dpop_proof,
        method=call.method,
        url=call.url,
        access_token=call.token,
        thumbprint=call.thumbprint,
        may=partial(may_act_for, request),
    )
    return web.json_response(verdict, headers=_NEVER_STORED)


async def post_explain_wallet(request: web.Request) -> web.Response:
    """``POST /internal/explain/v1/{subject}/credentials``: would the wallet do for a scope, and which field fails where not?"""
    asked = await read_model(request, WalletQuestion, max_bytes=MAX_CALL)
    try:
        explained = await request.app[WALLET_EXPLAINER].explain(request.match_info["subject"], asked)
    except MalformedError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_question", str(error)) from error
    return web.json_response(explained, headers=_NEVER_STORED)


async def _issuer(request: web.Request, *, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> str:
    """Return the issuer URL of the subject addressed, who has to be one of ours."""
    try:
        subject = await request.app[SUBJECTS].get(request.match_info["subject"])
    except UnknownSubjectError as error:
        raise OAuthError(OAuthCode.INVALID_REQUEST, str(error), status=status) from error
    return issuer_url(request.app[PUBLIC_URL], subject.name)


async def _introspected(request: web.Request) -> str:
    """Return the token that is asked about: in the body, never in the address, where it would stand in logs."""
    if request.query_string:
        raise OAuthError(OAuthCode.INVALID_REQUEST, "parameters belong in the body")
    return _once(await read_form(request, max_bytes=MAX_CALL)).get("token", "")


def _once(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return parameters by name; each may come once (RFC 6749 §3.1)."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise OAuthError(OAuthCode.INVALID_REQUEST, "a parameter is repeated")
    return values
