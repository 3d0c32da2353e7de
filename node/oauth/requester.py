"""Asking another organisation for an access token (WIRE §2.5.2 - §2.5.4, the client's seat).

Metadata, presentation definition, wallet, presentation, token: each step may find a peer that is slow, wrong or lying, and each
ends in one :class:`TokenRefusedError` that names the peer's origin and never quotes what it said. A token is bound to our key
unless the caller wants it otherwise, and reused until 30 s before it ends, per organisation, server, scope and person.
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from credentials.did.identifier import DID, did_method
from credentials.encoding import b64url_encode
from credentials.errors import CredentialError, MalformedError
from credentials.ports import PrivateKey
from credentials.query.definition import PresentationDefinition
from credentials.query.matching import Match, NoMatch, match_wallet
from credentials.query.selection import check_selection
from credentials.query.submission import build_submission
from credentials.vc.credential import SignedCredential
from node.identity.key_changes import OwnKey
from node.identity.single_flight import SingleFlight
from node.identity.subjects import Subjects
from node.identity.wallet import Wallet
from node.keys.signing import sign_with
from node.oauth.dpop import make_proof
from node.oauth.errors import TokenRefusedError
from node.oauth.grants import TokenType
from node.oauth.messages import (
    MAX_REPLY,
    TokenReply,
    TokenRequest,
    oauth_error_code,
    to_json,
)
from node.oauth.metadata import issuer_url
from node.oauth.peer_metadata import ServerMetadata
from node.oauth.peer_servers import PeerServers, no_answer
from node.oauth.peer_token import PeerToken
from node.oauth.presenting import PresentationForm, choose_form, make_assertion
from node.oauth.self_attested import own_word
from node.oauth.user import User
from node.ports import Clock, Entropy, HttpClient, HttpRequest, HttpResponse, PeerError

__all__ = ["PeerToken", "TokenRefusedError", "TokenRequester"]

logger = logging.getLogger(__name__)

RENEW_BEFORE = timedelta(seconds=30)
"""A token is not handed out in its last seconds (WIRE §4.4)."""

MAX_TOKENS = 4_096
"""Tokens kept in memory; the least recently used one goes."""

NONCE_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What a token is wanted for; equal wishes share a token."""

    subject: str
    server: str
    scope: str
    token_type: TokenType
    user: User | None
    extra: str
    selected: str

    @property
    def credentials(self) -> Sequence[Mapping[str, Any]]:
        return json.loads(self.extra)  # type: ignore[no-any-return]  # written by `token` below

    @property
    def selection(self) -> Mapping[str, str]:
        return json.loads(self.selected)  # type: ignore[no-any-return]  # written by `token` below


class TokenRequester:
    """Asks for tokens and keeps them while they last."""

    def __init__(
        self,
        *,
        subjects: Subjects,
        wallet: Wallet,
        peers: HttpClient,
        clock: Clock,
        entropy: Entropy,
        public_url: str,
    ) -> None:
        """Take what it needs; ``public_url`` is where the world reaches this node."""
        self._subjects = subjects
        self._wallet = wallet
        self._peers = peers
        self._clock = clock
        self._entropy = entropy
        self._public_url = public_url
        self._tokens: OrderedDict[_Wish, PeerToken] = OrderedDict()
        self._flights: SingleFlight[_Wish, PeerToken] = SingleFlight()
        self._servers = PeerServers(peers, clock)

    @property
    def servers(self) -> PeerServers:
        """What other organisations' servers publish, with what is remembered of them."""
        return self._servers

    async def token(
        self,
        subject: str,
        *,
        authorization_server: str,
        scope: str,
        user: User | None = None,
        credentials: Sequence[Mapping[str, Any]] = (),
        selection: Mapping[str, str] | None = None,
        token_type: TokenType = "DPoP",  # noqa: S107  # a kind of token, not one
        fresh: bool = False,
    ) -> PeerToken:
        """Return a token of another organisation, from memory or newly asked for.

        Args:
            subject: which of our organisations asks.
            authorization_server: issuer URL of the other side.
            scope: one wire scope.
            user: on whose behalf; presented as a self-attested NutsEmployeeCredential.
            credentials: more self-attested credentials, without issuer and subject id.
            selection: field id to the text its claim has to be, where several of our credentials fit.
            token_type: ``DPoP`` binds it to our key.
            fresh: whether one from memory will not do.

        Raises:
            UnknownSubjectError: no such subject of ours.
            MalformedError: one of ``credentials`` is no credential.
            TokenRefusedError: no token.
        """
        wish = _Wish(
            subject=subject,
            server=authorization_server,
            scope=scope,
            token_type=token_type,
            user=user,
            extra=json.dumps(credentials, sort_keys=True),
            selected=json.dumps(dict(selection or {}), sort_keys=True),
        )
        await self._subjects.get(subject)
        known = self._tokens.get(wish)
        if known is not None and not fresh and self._clock.now() < known.expires_at - RENEW_BEFORE:
            self._tokens.move_to_end(wish)
            return known
        return await self._flights.run(wish, lambda: self._ask(wish))

    def forget(self, token: PeerToken) -> None:
        """Forget a token that the other side no longer takes."""
        for wish in [wish for wish, kept in self._tokens.items() if kept is token]:
            del self._tokens[wish]

    async def forget_key(self, _subject: str, key: OwnKey) -> None:
        """Forget every token that is bound to a key of ours that was called compromised."""
        for wish in [wish for wish, kept in self._tokens.items() if kept.kid == key.kid]:
            del self._tokens[wish]

    async def _ask(self, wish: _Wish) -> PeerToken:
        subject = await self._subjects.get(wish.subject)
        self._own_word(subject.dids[0], wish)  # what can not be presented is refused before a peer is called
        metadata = await self._servers.server(wish.server)
        definition = await self._servers.definition(metadata, wish.scope)
        form = choose_form(metadata.vp_formats, definition.format or ())
        if form is None:
            raise TokenRefusedError("no_match", wish.server, "wallet")
        holder, match = await self._choose(metadata, definition, wish)
        key = await self._subjects.signing_key(holder)
        token = await self._post(metadata, definition, form, holder, match, key, wish)
        self._tokens[wish] = token
        self._tokens.move_to_end(wish)
        while len(self._tokens) > MAX_TOKENS:
            self._tokens.popitem(last=False)
        return token

    async def _choose(
        self, metadata: ServerMetadata, definition: PresentationDefinition, wish: _Wish
    ) -> tuple[DID, Match]:
        """Choose the first of our DIDs whose wallet satisfies everything (WIRE §2.15)."""
        # (1) by a kind of DID that the other side resolves
        mine = (await self._subjects.get(wish.subject)).dids
        usable = [did for did in mine if not metadata.did_methods or did_method(did) in metadata.did_methods]
        if not usable:
            raise TokenRefusedError("no_match", wish.server, "wallet")
        # (2) narrowed by fields that it asks for: a misspelt one would present another patient's credential
        try:
            check_selection(wish.selection, [definition])
        except MalformedError as error:
            raise TokenRefusedError("selection", wish.server, "wallet") from error
        # (3) of what we hold, and what we say ourselves
        held = await self._wallet.credentials(wish.subject)
        failure: CredentialError | None = None
        for did in usable:
            said = [each for each in held if each.subject_id == did] + self._own_word(did, wish)
            try:
                return did, match_wallet(definition, said, selection=wish.selection)
            except NoMatch as error:
                failure = failure or error
            except MalformedError as error:  # the definition asks for too much work
                raise TokenRefusedError("failed", wish.server, "definition") from error
        raise TokenRefusedError("no_match", wish.server, "wallet") from failure

    def _own_word(self, did: DID, wish: _Wish) -> list[SignedCredential]:
        return own_word(wish.credentials, wish.user, holder=did, fresh_id=self._entropy.uuid, now=self._clock.now())

    async def _post(
        self,
        metadata: ServerMetadata,
        definition: PresentationDefinition,
        form: PresentationForm,
        holder: DID,
        match: Match,
        key: PrivateKey,
        wish: _Wish,
    ) -> PeerToken:
        now = self._clock.now()
        nonce, presentation_id = b64url_encode(self._entropy.token(NONCE_BYTES)), f"{holder}#{self._entropy.uuid()}"
        assertion = await make_assertion(
            form,
            holder=holder,
            key=key,
            audience=wish.server,
            credentials=match.credentials,
            nonce=nonce,
            presentation_id=presentation_id,
            now=now,
        )
        submission = build_submission(definition, match, assertion.shape, submission_id=self._entropy.uuid())
        request = TokenRequest(
            client_id=issuer_url(self._public_url, wish.subject),
            scope=wish.scope,
            assertion=assertion.text,
            presentation_submission=to_json(submission),
        )
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        if wish.token_type == "DPoP":  # noqa: S105  # a kind of token, not one
            jti = b64url_encode(self._entropy.token(NONCE_BYTES))
            headers["DPoP"] = await sign_with(
                key,
                lambda key: make_proof(
                    key, method="POST", url=metadata.token_endpoint, access_token=None, jti=jti, now=now
                ),
            )
        try:
            response = await self._peers.send(
                HttpRequest(
                    method="POST",
                    url=metadata.token_endpoint,
                    headers=headers,
                    body=urlencode(request.to_wire()).encode(),
                    max_bytes=MAX_REPLY,
                )
            )
        except PeerError as error:
            raise no_answer(error, wish.server, "token") from error
        reply = _read_reply(response, wish)
        return PeerToken(
            access_token=reply.access_token,
            token_type=wish.token_type,
            scope=reply.scope,
            expires_at=now + timedelta(seconds=reply.expires_in),
            key=key if wish.token_type == "DPoP" else None,  # noqa: S105  # as above
        )


def _read_reply(response: HttpResponse, wish: _Wish) -> TokenReply:
    # (1) the other side says no
    if HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        code = oauth_error_code(response.body)
        logger.info(
            "token refused by peer", extra={"server": wish.server, "status": response.status, "oauth_error": code}
        )
        raise TokenRefusedError("refused", wish.server, "token", status=response.status, oauth_code=code)
    # (2) or something that is no answer: a redirect, an error of its own, a page
    if response.status != HTTPStatus.OK or response.media_type != "application/json":
        raise TokenRefusedError("failed", wish.server, "token", status=response.status)
    try:
        reply = TokenReply.parse(response.body, scope=wish.scope)
    except MalformedError as error:
        raise TokenRefusedError("failed", wish.server, "token", status=response.status) from error
    # (3) a token bound to our key where we asked for one, not one that works for whoever finds it
    if reply.token_type != wish.token_type:
        raise TokenRefusedError("failed", wish.server, "token", status=response.status)
    return reply
