"""Nonces that other servers want to see in our proofs (RFC 9449 §8, §9).

A server that knows no nonces never sends one, and nothing changes. One that does refuses the first proof with ``use_dpop_nonce`` and
gives a nonce; the same request is sent once more with it, and every later one until the server gives another.
"""

import re
from collections import OrderedDict
from http import HTTPStatus
from typing import Final

from node.oauth.errors import origin_of
from node.oauth.messages import oauth_error_code
from node.ports import HttpResponse

MAX_NONCE: Final = 512
"""Characters of a nonce; a longer one is passed over."""

MAX_SERVERS: Final = 1_024
"""Servers whose nonce is remembered; the least recently used one goes."""

DEMAND: Final = "use_dpop_nonce"

_NONCE = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+", re.ASCII)  # NQCHAR, RFC 6749 appendix A
_CHALLENGE = re.compile(r'(?:^|[\s,])DPoP\s.*\berror="?use_dpop_nonce"?', re.ASCII | re.IGNORECASE | re.DOTALL)


class PeerNonces:
    """The last nonce of each server. A token endpoint and a resource server are two, also at one address (RFC 9449 §9)."""

    def __init__(self) -> None:
        self._by_server: OrderedDict[tuple[str, str], str] = OrderedDict()

    def for_token(self, endpoint: str) -> str | None:
        """Return the nonce for a proof to a token endpoint."""
        return self._recall("token", endpoint)

    def for_resource(self, url: str) -> str | None:
        """Return the nonce for a proof to the server at ``url``."""
        return self._recall("resource", origin_of(url))

    def demanded_for_token(self, endpoint: str, response: HttpResponse) -> bool:
        """Remember the nonce in an answer; say whether the request is to be sent again because of it."""
        heard = self._remember("token", endpoint, response)
        return heard and response.status == HTTPStatus.BAD_REQUEST and oauth_error_code(response.body) == DEMAND

    def demanded_for_resource(self, url: str, response: HttpResponse) -> bool:
        """Remember the nonce in an answer; say whether the request is to be sent again because of it."""
        heard = self._remember("resource", origin_of(url), response)
        challenge = response.headers.get("www-authenticate", "")[:2_048]
        return heard and response.status == HTTPStatus.UNAUTHORIZED and _CHALLENGE.search(challenge) is not None

    def _recall(self, kind: str, server: str) -> str | None:
        nonce = self._by_server.get((kind, server))
        if nonce is not None:
            self._by_server.move_to_end((kind, server))
        return nonce

    def _remember(self, kind: str, server: str, response: HttpResponse) -> bool:
        nonce = response.headers.get("dpop-nonce", "")
        if not nonce or len(nonce) > MAX_NONCE or _NONCE.fullmatch(nonce) is None:
            return False
        self._by_server[kind, server] = nonce
        self._by_server.move_to_end((kind, server))
        while len(self._by_server) > MAX_SERVERS:
            self._by_server.popitem(last=False)
        return True
