"""Tokens, given and got."""

from dataclasses import dataclass

from aiohttp import web

from node.config.model import Config
from node.oauth import routes as oauth_routes
from node.oauth.definitions import Definitions
from node.oauth.exchange import TokenService
from node.oauth.explaining import WalletExplainer
from node.oauth.further_scopes import FurtherScopes
from node.oauth.given import GIVEN, GivenTokens
from node.oauth.introspect import Introspection
from node.oauth.nonces import ServerNonces
from node.oauth.requester import TokenRequester
from node.oauth.store import SqlTokenStore
from node.parts.errors import NodeError
from node.parts.kept import Kept
from node.parts.trust import Trust
from node.ports import World
from node.web.limits import AtOnce


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Both seats of OAuth.

    Attributes:
        store: what was granted here.
        service: gives tokens; introspection: says what they are worth.
        given: lists and ends them; nonces: for proofs of possession.
        requester: gets tokens of others; explainer: says whether our wallet does.
    """

    store: SqlTokenStore
    nonces: ServerNonces
    definitions: Definitions
    service: TokenService
    requester: TokenRequester
    introspection: Introspection
    explainer: WalletExplainer
    given: GivenTokens

    def install(self, app: web.Application) -> None:
        """Give the services to an application."""
        app[oauth_routes.TOKENS] = self.service
        app[oauth_routes.TOKEN_REQUESTS] = AtOnce(most=oauth_routes.REQUESTS_AT_ONCE, each=oauth_routes.REQUESTS_OF_ONE)
        app[oauth_routes.TOKEN_BODIES] = AtOnce(most=oauth_routes.BODIES_AT_ONCE, each=oauth_routes.REQUESTS_OF_ONE)
        app[oauth_routes.DEFINITIONS] = self.definitions
        app[oauth_routes.INTROSPECTION] = self.introspection
        app[oauth_routes.REQUESTER] = self.requester
        app[oauth_routes.WALLET_EXPLAINER] = self.explainer
        app[GIVEN] = self.given


def open_tokens(config: Config, world: World, kept: Kept, trust: Trust) -> Tokens:
    """Wire both seats.

    Raises:
        NodeError: what a scope asks can not be asked, or it needs a decision point and none is named.
    """
    clock, entropy, subjects = world.clock, world.entropy, trust.subjects
    store = SqlTokenStore(kept.database, kept.audit)
    policies = trust.usecases.scope_policies
    asking = sorted(scope for scope, policy in policies.items() if policy == "dynamic")
    if asking and config.decision_point is None:
        raise NodeError(
            f"scope {asking[0]} leaves it to a decision point which further scopes are given, and there is none",
            "set decision_point in hazel.yaml, or mend scope_policy",
        )
    try:
        definitions = Definitions(trust.usecases.definitions, policies)
    except ValueError as error:
        raise NodeError(str(error), "mend the use case or policy file that has this scope") from error
    requester = TokenRequester(
        subjects=subjects,
        wallet=trust.wallet,
        definitions=definitions,
        peers=world.peers,
        clock=clock,
        entropy=entropy,
        public_url=config.url,
    )
    nonces = ServerNonces(kept.vault.secret("seal"))
    given = GivenTokens(store, subjects, kept.audit, clock)
    subjects.on_deactivate.append(given.end_of_subject)
    return Tokens(
        store=store,
        nonces=nonces,
        given=given,
        definitions=definitions,
        service=TokenService(
            subjects=subjects,
            verifier=trust.verifier,
            definitions=definitions,
            further=FurtherScopes(world.own, config.decision_point),
            store=store,
            audit=kept.audit,
            refusals=trust.refusals,
            nonces=nonces,
            clock=clock,
            entropy=entropy,
            public_url=config.url,
        ),
        requester=requester,
        introspection=Introspection(
            store=store,
            standing=trust.verifier,
            definitions=definitions,
            subjects=subjects,
            vault=kept.vault,
            audit=kept.audit,
            clock=clock,
            entropy=entropy,
            nonces=nonces,
            public_url=config.url,
        ),
        explainer=WalletExplainer(
            definitions=definitions,
            servers=requester.servers,
            subjects=subjects,
            wallet=trust.wallet,
            clock=clock,
            entropy=entropy,
        ),
    )
