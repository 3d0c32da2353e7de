"""What this room says no with.

::

    OAuthError          a request to our token endpoint is refused; the code and the sentence go to the peer
    LoginError          a request with an access token is refused; the code stays with us
    TokenRefusedError   another organisation gave us no token

Sentences are fixed: none of them quotes a request, a credential or another host's answer. What an operator may know besides is
the error's ``__cause__``.
"""

from enum import StrEnum
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlsplit


class OAuthCode(StrEnum):
    """Error codes of the token endpoint (RFC 6749 §5.2, RFC 7521 §4, RFC 9449 §5, §8; WIRE §2.1)."""

    ACCESS_DENIED = "access_denied"
    INVALID_CLIENT = "invalid_client"
    INVALID_GRANT = "invalid_grant"
    INVALID_REQUEST = "invalid_request"
    INVALID_SCOPE = "invalid_scope"
    UNSUPPORTED_GRANT_TYPE = "unsupported_grant_type"
    INVALID_DPOP_PROOF = "invalid_dpop_proof"
    USE_DPOP_NONCE = "use_dpop_nonce"
    SERVER_ERROR = "server_error"


class OAuthError(Exception):
    """The request is refused.

    Attributes:
        code: for programs.
        reason: a finer code, for our own records only.
        status: 400 for every code but ``server_error``, as nuts-node does; 503 where it is worth coming back in a second.
        nonce: what the next proof has to hold (RFC 9449 §8).
        recorded: the caller had proved who they are, and the refusal is on record: it costs its address no turn.
    """

    recorded = False

    def __init__(
        self,
        code: OAuthCode,
        description: str,
        *,
        reason: str = "",
        status: int | None = None,
        nonce: str | None = None,
    ) -> None:
        super().__init__(description)
        self.nonce = nonce
        self.code = code
        self.reason = reason or str(code)
        usual = HTTPStatus.INTERNAL_SERVER_ERROR if code is OAuthCode.SERVER_ERROR else HTTPStatus.BAD_REQUEST
        self.status = usual if status is None else status


LoginCode = Literal[
    "no_token",
    "malformed_token",
    "unknown_token",
    "expired_token",
    "ended_token",
    "wrong_subject",
    "scheme_mismatch",
    "proof_missing",
    "proof_invalid",
    "nonce_wanted",
    "revoked_credential",
    "withdrawn_key",
    "status_unknown",
]
"""Why a request with a token was refused: for our own operator. The peer learns 401 and nothing else."""


class LoginError(Exception):
    """The caller did not prove to hold a token of ours.

    Attributes:
        code: why.
        nonce: what the next proof has to hold (RFC 9449 §9).
    """

    def __init__(self, code: LoginCode, *, nonce: str | None = None) -> None:
        super().__init__(code)
        self.code: LoginCode = code
        self.nonce = nonce


RefusalCode = Literal[
    "refused", "no_match", "selection", "unknown_scope", "no_such_grant", "busy", "unreachable", "timeout", "failed"
]
Step = Literal["metadata", "definition", "wallet", "token"]


class TokenRefusedError(Exception):
    """We have no token of another organisation.

    Attributes:
        code: ``refused`` it said no; ``no_match`` our wallet lacks what it asks; ``selection`` the caller selects by a field that
            it does not ask for; ``unknown_scope`` it leaves to our own use cases what is presented, and none of them says;
            ``no_such_grant`` it takes no presentation of a service provider; ``busy`` it can not now; ``unreachable`` and ``timeout``
            no answer; ``failed`` its answer was not one.
        origin: scheme, host and port of its authorization server.
        step: where it stopped.
        status: HTTP status of the answer that stopped it, if any.
        oauth_code: the OAuth error it gave, when it is one that we know; never its own words.
    """

    def __init__(
        self,
        code: RefusalCode,
        authorization_server: str,
        step: Step,
        *,
        status: int | None = None,
        oauth_code: str | None = None,
    ) -> None:
        self.code: RefusalCode = code
        self.origin = origin_of(authorization_server)
        self.step: Step = step
        self.status = status
        self.oauth_code = oauth_code
        super().__init__(f"{self.origin}: {code} at {step}")


def origin_of(url: str) -> str:
    """Return scheme, host and port of ``url``; empty when it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port else "")
