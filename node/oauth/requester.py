"""Asking another organisation for an access token (WIRE §2.5.2 - §2.5.4 and §2.5.6, the client's seat).

Metadata, presentation definition, wallet, presentation, token: each step may find a peer that is slow, wrong or lying, and each
ends in one :class:`TokenRefusedError` that names the peer's origin and never quotes what it said. A token is bound to our key
unless the caller wants it otherwise, and reused until 30 s before it ends, per organisation, server, scope and person; who asks for the
same while it is being asked for waits for that. All of it takes 30 s at most.

Where a service provider acts for an organisation, both present: the organisation in the assertion, the service provider in the client
assertion, and the token is bound to the key of the latter (RFC 7523).
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from credentials.encoding import b64url_encode
from credentials.errors import MalformedError
from credentials.query.definition import PresentationDefinition
from credentials.query.selection import check_selection
from credentials.query.submission import build_submission
from node.exchange.deadline import deadline
from node.identity.key_changes import OwnKey
from node.identity.single_flight import SingleFlight
from node.identity.subjects import Subjects
from node.identity.wallet import Wallet
from node.oauth.definitions import ORGANIZATION, SERVICE_PROVIDER, Definitions
from node.oauth.errors import OAuthError, Step, TokenRefusedError
from node.oauth.grants import TokenType
from node.oauth.messages import CLIENT_ASSERTION_TYPE, GRANT_TYPE, JWT_BEARER, to_json
from node.oauth.metadata import issuer_url
from node.oauth.peer_metadata import ServerMetadata
from node.oauth.peer_nonces import PeerNonces
from node.oauth.peer_servers import PeerServers
from node.oauth.peer_token import PeerToken
from node.oauth.posting import Form, Posting
from node.oauth.presenting import Assertion, PresentationForm, choose_form, make_assertion
from node.oauth.user import User
from node.oauth.wallet_choice import Chosen, WalletChoice
from node.oauth.wish import Wish
from node.ports import Clock, Entropy, HttpClient

__all__ = ["PeerToken", "TokenRefusedError", "TokenRequester"]

RENEW_BEFORE = timedelta(seconds=30)
"""A token is not handed out in its last seconds (WIRE §4.4)."""

ASK_SECONDS: Final = 30.0
"""From the first question to a peer until there is a token; then it is refused as ``timeout``."""

MAX_TOKENS = 4_096
"""Tokens kept in memory; the least recently used one goes."""

NONCE_BYTES = 32


class _Progress:
    """How far one request is, for who waited in vain."""

    def __init__(self) -> None:
        self.step: Step = "metadata"


class TokenRequester:
    """Asks for tokens and keeps them while they last."""

    def __init__(
        self,
        *,
        subjects: Subjects,
        wallet: Wallet,
        definitions: Definitions,
        peers: HttpClient,
        clock: Clock,
        entropy: Entropy,
        public_url: str,
    ) -> None:
        """Take what it needs; ``definitions`` are ours, ``public_url`` is where the world reaches this node."""
        self._subjects = subjects
        self._definitions = definitions
        self._clock = clock
        self._entropy = entropy
        self._public_url = public_url
        self._tokens: OrderedDict[Wish, PeerToken] = OrderedDict()
        self._flights: SingleFlight[Wish, PeerToken] = SingleFlight()
        self._servers = PeerServers(peers, clock)
        self._choice = WalletChoice(subjects=subjects, wallet=wallet, clock=clock, entropy=entropy)
        self._posting = Posting(peers=peers, clock=clock, entropy=entropy, nonces=PeerNonces())

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
        service_provider: str | None = None,
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
            service_provider: another organisation of ours, that acts for ``subject`` and presents itself beside it.
            fresh: whether one from memory will not do.

        Raises:
            UnknownSubjectError: no such subject of ours.
            MalformedError: one of ``credentials`` is no credential.
            TokenRefusedError: no token.
        """
        wish = Wish.of(
            subject=subject,
            server=authorization_server,
            scope=scope,
            token_type=token_type,
            user=user,
            service_provider=service_provider,
            credentials=credentials,
            selection=selection,
        )
        await self._subjects.get(subject)
        if service_provider is not None:
            await self._subjects.get(service_provider)
        known = self._tokens.get(wish)
        if known is not None and not fresh and self._clock.now() < known.expires_at - RENEW_BEFORE:
            self._tokens.move_to_end(wish)
            return known
        return await self._flights.run(wish, lambda: self._ask_in_time(wish))

    def forget(self, token: PeerToken) -> None:
        """Forget a token that the other side no longer takes."""
        for wish in [wish for wish, kept in self._tokens.items() if kept is token]:
            del self._tokens[wish]

    async def forget_key(self, _subject: str, key: OwnKey) -> None:
        """Forget every token that is bound to a key of ours that was called compromised."""
        for wish in [wish for wish, kept in self._tokens.items() if kept.kid == key.kid]:
            del self._tokens[wish]

    async def _ask_in_time(self, wish: Wish) -> PeerToken:
        progress = _Progress()
        try:
            async with deadline(self._clock, ASK_SECONDS):
                token = await self._ask(wish, progress)
        except TimeoutError as error:
            raise TokenRefusedError("timeout", wish.server, progress.step) from error
        self._tokens[wish] = token
        self._tokens.move_to_end(wish)
        while len(self._tokens) > MAX_TOKENS:
            self._tokens.popitem(last=False)
        return token

    async def _ask(self, wish: Wish, progress: _Progress) -> PeerToken:
        # (1) what can not be presented is refused before a peer is called
        if wish.has_credentials:
            subject = await self._subjects.get(wish.subject)
            self._choice.own_word(subject.dids[0], wish)
        # (2) what the other side asks
        metadata = await self._servers.server(wish.server)
        progress.step = "definition"
        if wish.service_provider is None:
            definitions = [await self._asked(metadata, wish)]
        else:
            definitions = await self._asked_of_two(metadata, wish)
        # (3) what we have of it
        progress.step = "wallet"
        try:
            check_selection(wish.selection, definitions)  # a misspelt key would present another patient's credential
        except MalformedError as error:
            raise TokenRefusedError("selection", wish.server, "wallet") from error
        chosen = [await self._choice.choose(wish.subject, metadata, definitions[0], wish, wish.selection)]
        if wish.service_provider is not None:
            selection = _bound_to(chosen[0], wish.selection)
            chosen.append(await self._choice.choose(wish.service_provider, metadata, definitions[1], wish, selection))
        forms = [self._form_of(each, metadata, wish) for each in chosen]
        # (4) a token for it
        progress.step = "token"

        async def make_form() -> Form:
            assertions = [await self._assert(form, each, wish.server) for form, each in zip(forms, chosen, strict=True)]
            if wish.service_provider is not None:
                return _form_of_two(*assertions, scope=wish.scope)
            submission = build_submission(
                chosen[0].definition, chosen[0].match, assertions[0].shape, submission_id=self._entropy.uuid()
            )
            return (
                ("grant_type", GRANT_TYPE),
                ("client_id", issuer_url(self._public_url, wish.subject)),
                ("scope", wish.scope),
                ("assertion", assertions[0].text),
                ("presentation_submission", to_json(submission)),
            )

        return await self._posting.post(metadata, wish, chosen[-1].key, make_form)

    async def _asked(self, metadata: ServerMetadata, wish: Wish) -> PresentationDefinition:
        """Return what the server asks; of one that publishes no definitions, what we would ask ourselves (WIRE §0)."""
        if metadata.presentation_definition_endpoint is not None:
            return await self._servers.definition(metadata, wish.scope)
        return self._of_ours(wish)[ORGANIZATION]

    async def _asked_of_two(self, metadata: ServerMetadata, wish: Wish) -> list[PresentationDefinition]:
        """Return what is asked of the organisation and of its service provider: by our own use cases, as nuts-node does."""
        if JWT_BEARER not in metadata.grant_types:
            raise TokenRefusedError("no_such_grant", wish.server, "metadata")
        ours = self._of_ours(wish)
        if SERVICE_PROVIDER not in ours:
            raise TokenRefusedError("unknown_scope", wish.server, "definition")
        return [ours[ORGANIZATION], ours[SERVICE_PROVIDER]]

    def _of_ours(self, wish: Wish) -> Mapping[str, PresentationDefinition]:
        try:
            ours = self._definitions.required(wish.scope)
        except OAuthError as error:
            raise TokenRefusedError("unknown_scope", wish.server, "definition") from error
        if ORGANIZATION not in ours:
            raise TokenRefusedError("unknown_scope", wish.server, "definition")
        return ours

    def _form_of(self, chosen: Chosen, metadata: ServerMetadata, wish: Wish) -> PresentationForm:
        if wish.service_provider is not None:  # both are JWTs there (RFC 7523 §3)
            form = choose_form({"jwt_vp": frozenset()}, chosen.definition.format or {}, chosen.key.alg)
        else:
            form = choose_form(metadata.vp_formats, chosen.definition.format or {}, chosen.key.alg)
        if form is None:
            raise TokenRefusedError("no_match", wish.server, "wallet")
        return form

    async def _assert(self, form: PresentationForm, chosen: Chosen, audience: str) -> Assertion:
        return await make_assertion(
            form,
            holder=chosen.holder,
            key=chosen.key,
            audience=audience,
            credentials=chosen.match.credentials,
            nonce=b64url_encode(self._entropy.token(NONCE_BYTES)),
            presentation_id=f"{chosen.holder}#{self._entropy.uuid()}",
            now=self._clock.now(),
        )


def _bound_to(organisation: Chosen, selection: Mapping[str, str]) -> Mapping[str, str]:
    """Return the selection for the service provider: what the organisation's fields say narrows its credentials too (WIRE §2.5.6)."""
    said = {name: claim for name, claim in organisation.match.claims.items() if isinstance(claim, str)}
    return {**said, **selection}


def _form_of_two(organisation: Assertion, service_provider: Assertion, *, scope: str) -> Form:
    return (
        ("grant_type", JWT_BEARER),
        ("assertion", organisation.text),
        ("client_assertion_type", CLIENT_ASSERTION_TYPE),
        ("client_assertion", service_provider.text),
        ("scope", scope),
    )
