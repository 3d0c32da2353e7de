"""A token that another organisation gave us, and the headers of a request with it (RFC 9449 §7.1)."""

from dataclasses import dataclass, field
from datetime import datetime

from credentials.keys import KeyId
from credentials.ports import PrivateKey
from node.keys.signing import sign_with
from node.oauth.dpop import make_proof
from node.oauth.grants import TokenType
from node.oauth.peer_nonces import PeerNonces
from node.ports import HttpResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerToken:
    """Another organisation's token, ready to use. Its repr hides it.

    Attributes:
        expires_at: aware UTC, by our clock.
        key: what it is bound to; ``None`` for a bearer token.
        nonces: what servers want to see in proofs, shared by all tokens.
    """

    access_token: str = field(repr=False)
    token_type: TokenType
    scope: str
    expires_at: datetime
    key: PrivateKey | None = field(repr=False)
    nonces: PeerNonces = field(default_factory=PeerNonces, repr=False, compare=False)

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
        nonce = self.nonces.for_resource(url)
        proof = await sign_with(
            self.key,
            lambda key: make_proof(
                key, method=method, url=url, access_token=self.access_token, jti=jti, now=now, nonce=nonce
            ),
        )
        return {"Authorization": f"DPoP {self.access_token}", "DPoP": proof}

    def is_challenged(self, url: str, response: HttpResponse) -> bool:
        """Remember the nonce in an answer to a request with this token, if it has one (RFC 9449 §9).

        Returns:
            Whether the request was refused for want of it: to be sent again, once, with new :meth:`headers`. A token that is refused
            for another reason stays refused.
        """
        return self.nonces.demanded_for_resource(url, response) and self.key is not None
