"""``/internal/vcr/v2/verifier`` (WIRE §2.11.5): verify what a vendor holds in its hands; keep a list of trusted issuers.

A credential or presentation that does not hold is an answer, 200 with ``validity: false`` and why; only what can not be one is refused.
"""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from credentials.claims import check_current
from credentials.errors import CredentialError, MalformedError, RevokedError
from credentials.jws import SignedJWS
from credentials.vc.credential import SignedCredential
from credentials.vc.presentation import SignedPresentation
from credentials.vc.verify import check_holder
from node.vendor.bodies import TrustBody, VerifyCredentialBody, VerifyPresentationBody
from node.vendor.keys import CLOCK, TRUST, VERIFIER
from node.vendor.reading import read_date
from node.web.bodies import read_model
from node.web.internal_auth import names_subject
from node.web.operation import operation
from node.web.replies import RequestError


def routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener. Verifying is for every caller; the trust list is the whole node's."""
    vcr = "/internal/vcr/v2/verifier"
    return [
        web.post(f"{vcr}/vc", names_subject(operation("VerifyVC", post_credential))),
        web.post(f"{vcr}/vp", names_subject(operation("VerifyVP", post_presentation))),
        web.post(f"{vcr}/trust", operation("TrustIssuer", post_trust)),
        web.delete(f"{vcr}/trust", operation("UntrustIssuer", delete_trust)),
        web.get(f"{vcr}/{{type}}/trusted", operation("ListTrusted", get_trusted)),
        web.get(f"{vcr}/{{type}}/untrusted", operation("ListUntrusted", get_untrusted)),
    ]


async def post_credential(request: web.Request) -> web.Response:
    """``POST /internal/vcr/v2/verifier/vc`` -> ``{validity, message?}``; an object that is no credential is not valid either."""
    body = await read_model(request, VerifyCredentialBody)
    try:
        await request.app[VERIFIER].verify_credential(SignedCredential.parse(body.credential))
    except CredentialError as error:
        if isinstance(error, MalformedError) and isinstance(body.credential, str) and not _is_jwt(body.credential):
            raise _invalid("verifiableCredential", error) from error
        return web.json_response({"validity": False, "message": _message(error, "credential")})
    return web.json_response({"validity": True})


async def post_presentation(request: web.Request) -> web.Response:
    """``POST /internal/vcr/v2/verifier/vp`` -> ``{validity, message?, credentials?}``; for whomever it was made."""
    body = await read_model(request, VerifyPresentationBody)
    at = read_date("validAt", body.valid_at)
    try:
        presentation = SignedPresentation.parse(body.presentation, open_ended=True)
    except MalformedError as error:
        raise _invalid("verifiablePresentation", error) from error
    verifier = request.app[VERIFIER]
    try:
        if body.verify_credentials:
            await verifier.verify_presentation(presentation, audience=None, at=at)
        else:
            now = at or request.app[CLOCK].now()
            check_current(now, not_before=presentation.issued_at, expires=presentation.expires_at)
            evidence = await verifier.gather(presentation)
            await verifier.decide(
                [presentation], lambda: check_holder(presentation, evidence, now=now, signatures=verifier.signatures)
            )
    except CredentialError as error:
        return web.json_response({"validity": False, "message": _message(error, "presentation")})
    credentials: list[Any] = [credential.raw for credential in presentation.credentials]
    return web.json_response({"validity": True, "credentials": credentials})


async def post_trust(request: web.Request) -> web.Response:
    """``POST /internal/vcr/v2/verifier/trust``: ``{issuer, credentialType}`` -> 204."""
    body = await read_model(request, TrustBody)
    await request.app[TRUST].trust(body.issuer, body.credential_type, request.app[CLOCK].now())
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def delete_trust(request: web.Request) -> web.Response:
    """``DELETE /internal/vcr/v2/verifier/trust``: ``{issuer, credentialType}`` -> 204."""
    body = await read_model(request, TrustBody)
    await request.app[TRUST].untrust(body.issuer, body.credential_type)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def get_trusted(request: web.Request) -> web.Response:
    """``GET /internal/vcr/v2/verifier/{type}/trusted``: issuers that were marked."""
    return web.json_response(list(await request.app[TRUST].trusted(request.match_info["type"])))


async def get_untrusted(request: web.Request) -> web.Response:
    """``GET /internal/vcr/v2/verifier/{type}/untrusted``: issuers that were not, of credentials that this node knows."""
    return web.json_response(list(await request.app[TRUST].untrusted(request.match_info["type"])))


def _is_jwt(text: str) -> bool:
    """Tell whether a text could be signed at all; nuts-node refuses to read anything else."""
    try:
        SignedJWS.parse(text, allow=frozenset({"x5c"}))
    except MalformedError:
        return False
    return True


def _message(error: CredentialError, what: str) -> str:
    """What is wrong, in the words of nuts-node where it has them: ``credential is revoked``."""
    return f"{what} is revoked" if isinstance(error, RevokedError) and what == "credential" else str(error)


def _invalid(member: str, error: MalformedError) -> RequestError:
    return RequestError(HTTPStatus.BAD_REQUEST, "invalid_request", f"{member}: {error}")
