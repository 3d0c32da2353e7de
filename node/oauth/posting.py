"""Posting a token request, and reading what comes back (WIRE §2.5.2, RFC 6749 §5, RFC 9449 §5).

A presentation works once. So nothing is ever sent a second time: where another try is safe, everything is made anew. It is tried again
once each, when the server wants a nonce in the proof, when it says that it is busy for a moment, and when the connection was lost before
an answer; a request that ran out of time is not, since the other side may still be at it.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode

from credentials.encoding import b64url_encode
from credentials.errors import MalformedError
from credentials.ports import PrivateKey
from node.keys.signing import sign_with
from node.oauth.dpop import make_proof
from node.oauth.errors import TokenRefusedError
from node.oauth.messages import MAX_REPLY, TokenReply, oauth_error_code
from node.oauth.peer_metadata import ServerMetadata
from node.oauth.peer_nonces import PeerNonces
from node.oauth.peer_servers import no_answer
from node.oauth.peer_token import PeerToken
from node.oauth.wish import Wish
from node.ports import Clock, Entropy, HttpClient, HttpRequest, HttpResponse, PeerError

logger = logging.getLogger(__name__)

Form = Sequence[tuple[str, str]]

MAX_PAUSE: Final = 2
"""Seconds that we wait for a server that says it is busy; longer is told to the caller."""

BUSY: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})

_JTI_BYTES = 32


class Posting:
    """Posts token requests.

    Args:
        nonces: what servers want to see in proofs.
    """

    def __init__(self, *, peers: HttpClient, clock: Clock, entropy: Entropy, nonces: PeerNonces) -> None:
        self._peers = peers
        self._clock = clock
        self._entropy = entropy
        self._nonces = nonces

    async def post(
        self, metadata: ServerMetadata, wish: Wish, key: PrivateKey, make_form: Callable[[], Awaitable[Form]]
    ) -> PeerToken:
        """Return the token that the server gives.

        Args:
            metadata: of the server.
            wish: what is wanted of it.
            key: what the token gets bound to.
            make_form: makes the parameters, with new presentations each time.

        Raises:
            TokenRefusedError: it gives none.
            VaultAwayError: the key can not be used now.
        """
        endpoint = metadata.token_endpoint
        tried: set[str] = set()

        def once(reason: str) -> bool:
            is_first = reason not in tried
            tried.add(reason)
            return is_first

        while True:
            asked_at = self._clock.now()
            try:
                response = await self._send(endpoint, wish, key, await make_form())
            except PeerError as error:
                if error.code == "unreachable" and once("lost"):
                    continue
                raise no_answer(error, wish.server, "token") from error
            if self._nonces.demanded_for_token(endpoint, response) and wish.is_bound and once("nonce"):
                continue
            pause = _pause(response)
            if pause is not None and once("busy"):
                await self._clock.sleep(pause)
                continue
            reply = _read_reply(response, wish)
            return PeerToken(
                access_token=reply.access_token,
                token_type=wish.token_type,
                scope=reply.scope,
                expires_at=asked_at + timedelta(seconds=reply.expires_in),
                key=key if wish.is_bound else None,
                nonces=self._nonces,
            )

    async def _send(self, endpoint: str, wish: Wish, key: PrivateKey, form: Form) -> HttpResponse:
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        if wish.is_bound:
            now, jti = self._clock.now(), b64url_encode(self._entropy.token(_JTI_BYTES))
            nonce = self._nonces.for_token(endpoint)
            headers["DPoP"] = await sign_with(
                key,
                lambda key: make_proof(
                    key, method="POST", url=endpoint, access_token=None, jti=jti, now=now, nonce=nonce
                ),
            )
        return await self._peers.send(
            HttpRequest(
                method="POST", url=endpoint, headers=headers, body=urlencode(form).encode(), max_bytes=MAX_REPLY
            )
        )


def _pause(response: HttpResponse) -> int | None:
    """Return the seconds after which a busy server may be asked again; ``None`` when it is not, or for longer than we wait."""
    if response.status not in BUSY:
        return None
    digits = response.headers.get("retry-after", "").strip()
    is_short = digits.isascii() and digits.isdigit() and len(digits) == 1 and int(digits) <= MAX_PAUSE
    return int(digits) if is_short else None


def _read_reply(response: HttpResponse, wish: Wish) -> TokenReply:
    # (1) the other side can not, now
    if response.status in BUSY:
        raise TokenRefusedError("busy", wish.server, "token", status=response.status)
    # (2) or says no
    if HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        code = oauth_error_code(response.body)
        logger.info(
            "token refused by peer", extra={"server": wish.server, "status": response.status, "oauth_error": code}
        )
        raise TokenRefusedError("refused", wish.server, "token", status=response.status, oauth_code=code)
    # (3) or something that is no answer: a redirect, an error of its own, a page
    if response.status != HTTPStatus.OK or response.media_type != "application/json":
        raise TokenRefusedError("failed", wish.server, "token", status=response.status)
    try:
        reply = TokenReply.parse(response.body, scope=wish.scope)
    except MalformedError as error:
        raise TokenRefusedError("failed", wish.server, "token", status=response.status) from error
    # (4) a token bound to our key where we asked for one, not one that works for whoever finds it
    if reply.token_type != wish.token_type:
        raise TokenRefusedError("failed", wish.server, "token", status=response.status)
    return reply
