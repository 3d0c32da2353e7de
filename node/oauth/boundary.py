"""This room's errors on the wire: OAuth JSON for peers, problem documents for the vendor.

``as_oauth_reply`` renders below ``/oauth2`` and the metadata path, also what aiohttp itself refuses (no route, wrong method, too
large): always JSON, never a page, never cached (WIRE §2.1). ``as_request_error`` translates for the listener's boundary.
"""

import json
from http import HTTPStatus

from node.oauth.errors import OAuthCode, OAuthError, TokenRefusedError
from node.oauth.nonces import HEADER
from node.web.replies import ErrorReply, RequestError

PREFIXES = ("/oauth2/", "/.well-known/oauth-authorization-server/")
"""Where errors are OAuth JSON; below the path of the public URL, if it has one."""

_CODES = {str(code) for code in OAuthCode}


def as_oauth_reply(error: RequestError) -> ErrorReply:
    """Render ``error`` for an OAuth client (RFC 6749 §5.2); the unforeseen tells it nothing."""
    code, description = error.code, error.message
    if code not in _CODES:  # HTTP itself refuses, or something broke
        broken = error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        code = OAuthCode.SERVER_ERROR if broken else OAuthCode.INVALID_REQUEST
    body = json.dumps({"error": str(code), "error_description": _plain(description)}).encode() + b"\n"
    headers = {"Cache-Control": "no-store", "Pragma": "no-cache", **error.headers}
    return ErrorReply(status=error.status, content_type="application/json", body=body, headers=headers)


def as_request_error(error: Exception) -> RequestError | None:
    """Translate ``error`` when it is one of this room's; ``None`` otherwise."""
    match error:
        case OAuthError():
            headers = {} if error.nonce is None else {HEADER: error.nonce}
            if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
                headers["Retry-After"] = "1"
            return RequestError(error.status, str(error.code), str(error), headers=headers)
        case TokenRefusedError():
            return _refused_elsewhere(error)
        case _:
            return None


def _refused_elsewhere(error: TokenRefusedError) -> RequestError:
    """Say to the vendor what kept us from a token, with the statuses of WIRE §2.5.1 where they help."""
    match (error.code, error.step):
        case ("no_match", _):
            return RequestError(
                HTTPStatus.PRECONDITION_FAILED,
                "no_matching_credentials",
                "the wallet has no credentials that fit what the authorization server asks",
                "hazel credential explain SCOPE --server URL says which field of which credential fails",
            )
        case ("selection", _):
            return RequestError(
                HTTPStatus.BAD_REQUEST,
                "unknown_field",
                "credential_selection has a key that the authorization server has no field for",
                "hazel credential explain SCOPE --server URL lists the fields",
            )
        case ("refused", "token"):
            reason = f": {error.oauth_code}" if error.oauth_code else ""
            return RequestError(
                HTTPStatus.BAD_REQUEST, "peer_refused", f"remote authorization server refused the request{reason}"
            )
        case ("refused", "metadata"):
            return RequestError(
                HTTPStatus.BAD_REQUEST,
                "no_authorization_server",
                "there is no authorization server at this address",
                "check authorization_server; the peer's registration in discovery states it",
            )
        case ("refused", _):
            return RequestError(
                HTTPStatus.BAD_GATEWAY,
                "peer_refused",
                "the authorization server has no presentation definition for this scope",
            )
        case ("unknown_scope", _):
            return RequestError(
                HTTPStatus.BAD_REQUEST,
                "unknown_scope",
                "no use case of this node says what is presented for this scope",
                "activate the use case that has it; where a service provider acts, it has a service_provider definition",
            )
        case ("no_such_grant", _):
            return RequestError(
                HTTPStatus.BAD_REQUEST,
                "unsupported_grant_type",
                "the authorization server takes no presentation of a service provider",
                "leave service_provider_subject_id out: the organisation then asks by itself",
            )
        case ("busy", _):
            return RequestError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "peer_busy",
                "the authorization server says that it is busy",
                "ask again in a while",
                headers={"Retry-After": "5"},
            )
        case ("timeout", _):
            return RequestError(
                HTTPStatus.GATEWAY_TIMEOUT, "peer_timeout", "the authorization server did not answer in time"
            )
        case ("unreachable", _):
            return RequestError(
                HTTPStatus.BAD_GATEWAY,
                "peer_unreachable",
                "the authorization server can not be reached",
                "check the address, and its name in DNS and the firewall in between as this machine sees them",
            )
        case _:
            return RequestError(
                HTTPStatus.BAD_GATEWAY, "peer_failed", "the authorization server gave an answer that is none"
            )


def _plain(text: str) -> str:
    """Keep to the characters of RFC 6749 §5.2: printable ASCII without quotation mark and backslash."""
    return "".join(sign if " " <= sign <= "~" and sign not in '"\\' else "'" for sign in text)
