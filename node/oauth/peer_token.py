"""A token that another organisation gave us, and the headers of a request with it (RFC 9449 §7.1)."""

from dataclasses import dataclass, field
from datetime import datetime

from credentials.keys import KeyId
from credentials.ports import PrivateKey
from node.keys.signing import sign_with
from node.oauth.dpop import make_proof
from node.oauth.grants import TokenType


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerToken:
    """Another organisation's token, ready to use. Its repr hides it.

    Attributes:
        expires_at: aware UTC, by our clock.
        key: what it is bound to; ``None`` for a bearer token.
    """

    access_token: str = field(repr=False)
    token_type: TokenType
    scope: str
    expires_at: datetime
    key: PrivateKey | None = field(repr=False)

    @property
    def kid(self) -> KeyId | None:
        """Id of the key it is bound to."""
        return None if self.key is None else self.key.kid

    async def headers(self, method: str, url: str, now: datetime, jti: str) -> dict[str, str]:
        """Return the headers of one request with this token; the proof in them is good for this request, once.

        Args:
            method: of the request.
            url: of the request, absolute.
            now: aware UTC.
            jti: 32 random bytes, base64url; never the same twice.

        Raises:
            VaultAwayError: its key can not be used now.
        """
        if self.key is None:
            return {"Authorization": f"Bearer {self.access_token}"}
        proof = await sign_with(
            self.key,
            lambda key: make_proof(key, method=method, url=url, access_token=self.access_token, jti=jti, now=now),
        )
        return {"Authorization": f"DPoP {self.access_token}", "DPoP": proof}
