"""Messages of the token flow as values: ``parse`` reads any bytes or refuses them, ``to_wire`` writes (WIRE §2.5.2).

What is parsed here is *read*, not believed: nobody has verified a signature yet.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from credentials.errors import MalformedError
from credentials.fields import Fields
from node.oauth.errors import OAuthCode, OAuthError

GRANT_TYPE = "vp_token-bearer"
"""The grant type between organisations (RFC021)."""

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
"""The grant type with two presentations: the organisation's, and that of the service provider who acts for it (RFC 7523 §2.1)."""

CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""How the service provider's presentation is announced (RFC 7523 §2.2)."""

MAX_CLIENT_ID = 2_048
MAX_SCOPE = 1_024
MAX_ACCESS_TOKEN = 4_096
"""Characters; nuts-node's own tokens have 43."""

MAX_LIFETIME = 86_400
"""Seconds; a peer's ``expires_in`` beyond a day is cut to a day."""

DEFAULT_LIFETIME = 60
"""Seconds that a token without ``expires_in`` is used (RFC 6749 §5.1 leaves it to the server)."""

MAX_REPLY = 65_536
"""Bytes of a token reply, or of what a server publishes about itself."""

_SCOPE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+(?: [\x21\x23-\x5B\x5D-\x7E]+)*", re.ASCII)  # RFC 6749 §3.3
_TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]+=*", re.ASCII)  # token68, RFC 9110 §11.2
_NEEDED = {
    GRANT_TYPE: ("client_id", "scope", "assertion", "presentation_submission"),
    JWT_BEARER: ("scope", "assertion", "client_assertion_type", "client_assertion"),
}
_TOKEN_TYPES = {"dpop": "DPoP", "bearer": "Bearer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """A token request as posted, nothing of it verified: with one presentation, or with two (``client_assertion``).

    Attributes:
        client_id: what the caller calls itself; never authenticated, shown in introspection. May be empty beside two presentations.
        scope: names of scopes, with one space between two.
        assertion: compact JWT, or JSON.
        presentation_submission: JSON; ``None`` beside two presentations, where there is none.
        client_assertion: compact JWT of the service provider; ``None`` where the organisation asks itself.
    """

    client_id: str
    scope: str
    assertion: str = field(repr=False)
    presentation_submission: str | None = field(default=None, repr=False)
    client_assertion: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, form: Sequence[tuple[str, str]]) -> Self:
        """Read a form (WIRE §2.5.5 step 1, §2.5.6).

        Raises:
            OAuthError: a parameter is missing, repeated or too long, or the grant type is another.
        """
        # (1) every parameter once (RFC 6749 §3.2)
        values = dict(form)
        if len(values) != len(form):
            raise _invalid("a parameter is repeated")
        # (2) one of our grant types, with everything that it needs
        if not values.get("grant_type"):
            raise _invalid("grant_type is missing")
        needed = _NEEDED.get(values["grant_type"])
        if needed is None:
            raise OAuthError(OAuthCode.UNSUPPORTED_GRANT_TYPE, "grant_type is not supported")
        for name in needed:
            if not values.get(name):
                raise _invalid(f"{name} is missing")
        # (3) a second presentation is read or refused, never passed over
        two = values["grant_type"] == JWT_BEARER
        if two and values["client_assertion_type"] != CLIENT_ASSERTION_TYPE:
            raise _invalid("client_assertion_type is not supported")
        if not two and "client_assertion" in values:
            raise _invalid("client_assertion belongs to another grant_type")
        # (4) names that can be read
        client_id = values.get("client_id", "")
        if len(client_id) > MAX_CLIENT_ID or not client_id.isprintable():
            raise _invalid("client_id can not be read")
        if len(values["scope"]) > MAX_SCOPE or _SCOPE.fullmatch(values["scope"]) is None:
            raise OAuthError(OAuthCode.INVALID_SCOPE, "scope can not be read")
        return cls(
            client_id=client_id,
            scope=values["scope"],
            assertion=values["assertion"],
            presentation_submission=None if two else values["presentation_submission"],
            client_assertion=values["client_assertion"] if two else None,
        )

    def to_wire(self) -> tuple[tuple[str, str], ...]:
        """Return the form that :meth:`parse` reads; an empty ``client_id`` is left out."""
        form = {
            "grant_type": GRANT_TYPE if self.client_assertion is None else JWT_BEARER,
            "client_id": self.client_id,
            "scope": self.scope,
            "assertion": self.assertion,
            "presentation_submission": self.presentation_submission,
            "client_assertion_type": None if self.client_assertion is None else CLIENT_ASSERTION_TYPE,
            "client_assertion": self.client_assertion,
        }
        return tuple((name, value) for name, value in form.items() if value)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReply:
    """A token as it goes over the wire, ours or a peer's.

    Attributes:
        token_type: ``DPoP`` or ``Bearer``.
        expires_in: whole seconds from now.
    """

    access_token: str = field(repr=False)
    token_type: str
    expires_in: int
    scope: str

    @classmethod
    def parse(cls, body: bytes, *, scope: str) -> Self:
        """Read a peer's reply (RFC 6749 §5.1).

        Args:
            body: any bytes.
            scope: what was asked; it holds when the reply does not say.

        Raises:
            MalformedError: not a token reply.
        """
        fields = Fields.from_json(body, max_bytes=MAX_REPLY, what="token reply")
        token = fields.text("access_token")
        if len(token) > MAX_ACCESS_TOKEN or _TOKEN.fullmatch(token) is None:
            raise MalformedError("token reply: access_token is not a token")
        token_type = _TOKEN_TYPES.get(fields.text("token_type").lower())
        if token_type is None:
            raise MalformedError("token reply: token_type is not known")
        expires_in = fields.optional_count("expires_in")
        granted = fields.optional_text("scope") or scope
        if len(granted) > MAX_SCOPE or _SCOPE.fullmatch(granted) is None:  # it goes to the vendor
            raise MalformedError("token reply: scope is not one")
        return cls(
            access_token=token,
            token_type=token_type,
            expires_in=DEFAULT_LIFETIME if expires_in is None else min(expires_in, MAX_LIFETIME),
            scope=granted,
        )

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object that :meth:`parse` reads."""
        return {
            "access_token": self.access_token,
            "token_type": self.token_type,
            "expires_in": self.expires_in,
            "scope": self.scope,
        }


def oauth_error_code(body: bytes) -> str | None:
    """Return the error code in a peer's refusal when it is one of the registered words; nothing else is taken from it."""
    try:
        code = Fields.from_json(body, max_bytes=MAX_REPLY, what="refusal").optional_text("error")
    except MalformedError:
        return None
    return code if code in _KNOWN_REFUSALS else None


_KNOWN_REFUSALS = frozenset(
    {
        *(str(code) for code in OAuthCode),
        "access_denied",
        "invalid_client",
        "invalid_grant",
        "invalid_nonce",
        "temporarily_unavailable",
        "unauthorized_client",
        "use_dpop_nonce",
    }
)


def to_json(value: object) -> str:
    """Write a small JSON value without white space."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _invalid(description: str) -> OAuthError:
    return OAuthError(OAuthCode.INVALID_REQUEST, description)
