"""``/internal/vcr/v2/issuer`` (WIRE §2.11.5): issue, search, revoke; ours: renew.

The organisation is the owner of the issuer's DID, so every handler finds it first and asks whether the caller may act for it. A credential
of an organisation the caller may not act for is as unknown as one that was never issued.
"""

import re
from http import HTTPStatus
from typing import Any

from aiohttp import web

from credentials.claims import to_rfc3339
from credentials.did.identifier import did_method, parse_did
from credentials.errors import MalformedError
from node.identity.path_ids import id_in_path
from node.identity.routes import SUBJECTS
from node.issuing.errors import UnknownIssuedError, UnknownIssuerError
from node.issuing.issuer import Caller
from node.issuing.request import IssueRequest, usual_contexts
from node.issuing.store import Issued
from node.vendor.bodies import IssueBody, OneOrMany
from node.vendor.keys import ISSUER
from node.vendor.reading import read_date, read_once, read_type
from node.web.bodies import read_model
from node.web.internal_auth import caller_name, check_acts_for, may_act_for, names_subject
from node.web.operation import operation
from node.web.replies import RequestError

IDEMPOTENCY_KEY = "Idempotency-Key"

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener."""
    return [
        web.post("/internal/vcr/v2/issuer/vc", names_subject(operation("IssueVC", post_credential))),
        web.get("/internal/vcr/v2/issuer/vc/search", names_subject(operation("SearchIssuedVCs", get_search))),
        web.delete("/internal/vcr/v2/issuer/vc/{id}", names_subject(operation("RevokeVC", delete_credential))),
        web.post("/internal/vcr/v2/issuer/vc/{id}/renew", names_subject(operation("RenewVC", post_renew))),
    ]


async def post_credential(request: web.Request) -> web.Response:
    """``POST /internal/vcr/v2/issuer/vc``: issue; the same ``Idempotency-Key`` gives the same credential again."""
    body = await read_model(request, IssueBody)
    asked = _asked(body)
    subject = await request.app[SUBJECTS].subject_of(asked.issuer)
    if subject is None:
        raise UnknownIssuerError
    check_acts_for(request, subject)
    issued = await request.app[ISSUER].issue(asked, caller=_caller(request), request_key=_request_key(request))
    return web.json_response(issued.wire)


async def get_search(request: web.Request) -> web.Response:
    """``GET /internal/vcr/v2/issuer/vc/search?credentialType=&issuer=&subject=``: what was issued, revoked or not."""
    issuer, type_, about = read_once(request, "issuer"), read_type(request), read_once(request, "subject")
    if not issuer:
        raise RequestError(HTTPStatus.BAD_REQUEST, "missing_parameter", "issuer is required")
    try:
        did = parse_did(id_in_path(issuer))
    except MalformedError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_did", "issuer is not a DID") from error
    subject = await request.app[SUBJECTS].subject_of(did)
    if subject is None or not may_act_for(request, subject):
        return web.json_response({"verifiableCredentials": []})
    found = await request.app[ISSUER].search(did, type_=type_, holder=about)
    return web.json_response({"verifiableCredentials": [_result(one) for one in found]})


async def delete_credential(request: web.Request) -> web.Response:
    """``DELETE /internal/vcr/v2/issuer/vc/{id}``: revoke; 204, and 409 when it was revoked before."""
    one = await _one(request)
    await request.app[ISSUER].revoke(one.credential_id, caller=_caller(request))
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def post_renew(request: web.Request) -> web.Response:
    """``POST /internal/vcr/v2/issuer/vc/{id}/renew``: issue it again as it was; the same successor however often."""
    one = await _one(request)
    renewed = await request.app[ISSUER].renew(one.credential_id, caller=_caller(request))
    return web.json_response(renewed.wire)


async def _one(request: web.Request) -> Issued:
    """Return the credential in the path, when the caller may act for its issuer."""
    one = await request.app[ISSUER].get(id_in_path(request.match_info["id"]))
    if not may_act_for(request, one.subject):
        raise UnknownIssuedError
    return one


def _asked(body: IssueBody) -> IssueRequest:
    # (1) members that only make sense for a network that is not this one
    for name, value in (("publishToNetwork", body.publish_to_network), ("visibility", body.visibility)):
        if value is not None:
            raise _invalid(f"illegal option '{name}' requested for issuer's DID method: {_method(body.issuer)}")
    # (2) how it ends: by itself, or by being taken back
    expires = read_date("expirationDate", body.expiration_date)
    wants = (body.with_status_list, body.with_bitstring)
    if expires is None and wants == (None, None):
        raise _invalid("withStatusList2021Revocation MUST be provided for credentials without expirationDate")
    if all(wants):
        raise _invalid("withStatusList2021Revocation and withBitstringStatusListRevocation exclude each other")
    # (3) about one party
    subjects = body.subject if isinstance(body.subject, list) else [body.subject]
    if len(subjects) != 1:
        raise _invalid("credentialSubject: exactly one is needed")
    types = _texts(body.type)
    return IssueRequest.of(
        issuer=body.issuer,
        types=types,
        subject=subjects[0],
        contexts=_texts(body.context) or usual_contexts(types),
        expires_at=expires,
        format_=body.format,
        status="StatusList2021" if body.with_status_list else "BitstringStatusList" if body.with_bitstring else None,
    )


def _result(one: Issued) -> dict[str, Any]:
    result: dict[str, Any] = {"verifiableCredential": one.wire}
    if one.revoked_at is not None:
        result["revocation"] = {
            "issuer": one.issuer,
            "subject": one.credential_id,
            "reason": "revocation",
            "date": to_rfc3339(one.revoked_at),
        }
    return result


def _request_key(request: web.Request) -> str | None:
    given = request.headers.getall(IDEMPOTENCY_KEY, [])
    if not given:
        return None
    if len(given) > 1 or _KEY.fullmatch(given[0]) is None:
        raise RequestError(
            HTTPStatus.BAD_REQUEST,
            "invalid_idempotency_key",
            f"{IDEMPOTENCY_KEY} is one text of at most 255 characters",
        )
    return given[0]


def _caller(request: web.Request) -> Caller:
    return Caller(name=caller_name(request))


def _texts(value: OneOrMany | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


def _method(issuer: str) -> str:
    try:
        return did_method(parse_did(issuer))
    except MalformedError:
        return "none"


def _invalid(message: str) -> RequestError:
    return RequestError(HTTPStatus.BAD_REQUEST, "invalid_request", message)
