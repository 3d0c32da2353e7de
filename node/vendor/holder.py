"""``/internal/vcr/v2/holder`` (WIRE §2.11.5): the wallets, and presentations of given credentials; ours: what is about to expire.

A credential is verified before it is put in a wallet, and again before it is presented on a vendor's word: what nobody would accept is
said to be so here. In between the wallet keeps it as it is; the list leaves out what has expired or was revoked, the search shows
everything.
"""

import re
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from aiohttp import web

from credentials.claims import to_rfc3339
from credentials.errors import CredentialError, RevokedError
from credentials.status.entry import entries_of
from credentials.vc.credential import SignedCredential
from node.audit.record import from_milliseconds
from node.identity.errors import ForeignCredentialError, UnknownSubjectError
from node.identity.path_ids import id_in_path
from node.identity.routes import SUBJECTS, WALLET
from node.identity.wallet import Held
from node.issuing.renewal import WITHIN, Expiring
from node.vendor.bodies import PresentBody
from node.vendor.keys import AUDIT, CLOCK, PRESENTER, RENEWAL, VERIFIER
from node.vendor.presenting import parse_request
from node.vendor.reading import read_date, read_once, read_type
from node.vendor.removal import removal_record
from node.verification.standing import HeldStatus
from node.web.bodies import read_json, read_model
from node.web.internal_auth import caller_name, check_acts_for, may_act_for, names_subject
from node.web.operation import operation
from node.web.replies import RequestError

MAX_WITHIN = timedelta(days=36_500)

_MEDIA_TYPES = ("application/ld+json", "application/vc+ld+json")
_DURATION = re.compile(r"(?:([0-9]{1,7})h)?(?:([0-9]{1,7})m)?(?:([0-9]{1,7})s)?", re.ASCII)


def routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener."""
    holder = "/internal/vcr/v2/holder"
    return [
        web.post(f"{holder}/vp", names_subject(operation("CreateVP", post_presentation))),
        web.get(f"{holder}/expiring", names_subject(operation("GetExpiringCredentialsInWallet", get_expiring))),
        web.get(f"{holder}/{{subject}}/vc", operation("GetCredentialsInWallet", get_wallet)),
        web.post(f"{holder}/{{subject}}/vc", operation("LoadVC", post_wallet)),
        web.get(f"{holder}/{{subject}}/vc/search", operation("SearchCredentialsInWallet", get_search)),
        web.delete(f"{holder}/{{subject}}/vc/{{id}}", operation("RemoveCredentialFromWallet", delete_wallet)),
    ]


async def post_presentation(request: web.Request) -> web.Response:
    """``POST /internal/vcr/v2/holder/vp``: present given credentials."""
    body = await read_model(request, PresentBody)
    if body.proof_purpose not in (None, "assertionMethod", "authentication"):
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_request", "proofPurpose: only assertionMethod is supported")
    presenter = request.app[PRESENTER]
    expires = read_date("expires", body.expires)
    try:
        asked = parse_request(
            credentials=body.credentials,
            signer=body.signer,
            format=body.format,
            domain=body.domain,
            challenge=body.challenge,
            expires_at=expires,
            purpose=body.proof_purpose or "assertionMethod",
            types=tuple(body.type),
            contexts=tuple(body.context),
        )
        check_acts_for(request, await presenter.owner(asked.holder))
        return web.json_response(await presenter.present(asked, caller=caller_name(request)))
    except CredentialError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_request", str(error)) from error
    except UnknownSubjectError as error:
        raise RequestError(
            HTTPStatus.BAD_REQUEST, "unknown_signer", "the signer is not an organisation of this node"
        ) from error


async def get_expiring(request: web.Request) -> web.Response:
    """``GET /internal/vcr/v2/holder/expiring?within=720h&excludeTypes=``: by organisation, soonest first."""
    within = _duration(read_once(request, "within"))
    left_out = frozenset(request.query.getall("excludeTypes", []))
    found: dict[str, list[dict[str, Any]]] = {}
    for one in await request.app[RENEWAL].expiring(within=within, leave_out=left_out):
        if may_act_for(request, one.subject):
            found.setdefault(one.subject, []).append(_expiring(one))
    return web.json_response(found)


async def get_wallet(request: web.Request) -> web.Response:
    """``GET /internal/vcr/v2/holder/{subject}/vc``: what an organisation can present now."""
    found = await request.app[WALLET].credentials(request.match_info["subject"])
    return web.json_response([each.raw for each in found if not await _is_revoked(request, each)])


async def get_search(request: web.Request) -> web.Response:
    """``GET /internal/vcr/v2/holder/{subject}/vc/search?credentialType=``: everything in a wallet, expired or revoked too."""
    type_ = read_type(request)
    held = await request.app[WALLET].list(request.match_info["subject"])
    results = [await _result(request, each) for each in held if type_ is None or type_ in each.credential.types]
    return web.json_response({"verifiableCredentials": results})


async def post_wallet(request: web.Request) -> web.Response:
    """``POST /internal/vcr/v2/holder/{subject}/vc``: put a credential in; 204, also when it was there already."""
    body = await read_json(request, media_types=_MEDIA_TYPES)
    if not isinstance(body, str | dict):
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_credential", "the body is neither a JWT nor an object")
    owner = await request.app[SUBJECTS].get(request.match_info["subject"])
    try:
        credential = SignedCredential.parse(body)
        # about us, before anybody else is asked for keys
        if credential.subject_id not in owner.dids:
            raise ForeignCredentialError
        await request.app[VERIFIER].verify_credential(credential)
        await request.app[WALLET].load(owner.name, body, request.app[CLOCK].now())
    except CredentialError as error:
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_credential", str(error)) from error
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def delete_wallet(request: web.Request) -> web.Response:
    """``DELETE /internal/vcr/v2/holder/{subject}/vc/{id}``: take a credential out; this is recorded."""
    subject, credential_id = request.match_info["subject"], id_in_path(request.match_info["id"])
    await request.app[WALLET].remove(subject, credential_id)
    now = request.app[CLOCK].now()
    await request.app[AUDIT].record(removal_record(subject, credential_id, caller_name(request), now))
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def _is_revoked(request: web.Request, credential: SignedCredential) -> bool:
    """Tell whether the issuer took it back, as far as can be told now; whoever it is presented to looks for themselves."""
    try:
        statuses = [HeldStatus(issuer=credential.issuer, entry=entry) for entry in entries_of(credential)]
        await request.app[VERIFIER].check_standing(statuses)
    except RevokedError:
        return True
    except CredentialError:
        return False
    return False


async def _result(request: web.Request, held: Held) -> dict[str, Any]:
    credential, revoked = held.credential, None
    if held.revoked_at is not None:
        revoked = from_milliseconds(held.revoked_at)
    elif await _is_revoked(request, credential):
        revoked = request.app[CLOCK].now()  # a list says that, not since when
    result: dict[str, Any] = {"verifiableCredential": credential.raw}
    if revoked is not None:
        result["revocation"] = {
            "issuer": credential.issuer,
            "subject": credential.id,
            "reason": "revocation",
            "date": to_rfc3339(revoked),
        }
    return result


def _expiring(one: Expiring) -> dict[str, Any]:
    return {
        "id": one.id,
        "holder": one.holder,
        "issuer": one.issuer,
        "type": list(one.types),
        "expirationDate": to_rfc3339(one.expires_at),
        "renewedHere": one.renewed_here,
    }


def _duration(text: str | None) -> timedelta:
    """Read ``720h``, ``30m`` or ``1h30m``: hours, minutes and seconds as Go writes them.

    Raises:
        RequestError: 400.
    """
    if text is None:
        return WITHIN
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise RequestError(HTTPStatus.BAD_REQUEST, "invalid_parameter", "within is not a duration such as 720h or 30m")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return min(timedelta(hours=hours, minutes=minutes, seconds=seconds), MAX_WITHIN)
