"""The two ways through the house: asked by others, asking others."""

from dataclasses import dataclass, replace

from aiohttp import web

from node import health
from node.audit.log import AuditLog
from node.config.model import Config, FhirVersion
from node.exchange import routes as exchange_routes
from node.exchange.asking import Limits, Means
from node.exchange.bulkhead import Bulkhead
from node.exchange.consent_fact import LocalConsents
from node.exchange.explaining import Explainer
from node.exchange.facts import OwnRecords, OwnServer
from node.exchange.inbound import EnforcementPoint
from node.exchange.opening import HolderBooks, open_holder_books
from node.exchange.outbound import Broker
from node.exchange.pdp.point import DecisionPoint
from node.exchange.pdp.routes import DECISIONS
from node.exchange.peer_health import PeerHealth
from node.exchange.rooms import PageBudget
from node.exchange.session import SessionMemory
from node.health import Check
from node.oauth.resource import ResourceGuard
from node.parts.doors import base_path
from node.parts.kept import Kept
from node.parts.members import Members
from node.parts.records import Records
from node.parts.tokens import Tokens
from node.parts.trust import Trust
from node.ports import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Both ways.

    Attributes:
        own: our FHIR servers; facts: what they say about citizens, for a minute.
        point: everything that leaves, leaves through it.
        broker: asks others.
    """

    config: Config
    world: World
    trust: Trust
    own: dict[FhirVersion, OwnServer]
    facts: OwnRecords
    point: EnforcementPoint
    broker: Broker
    explainer: Explainer
    books: HolderBooks
    audit: AuditLog

    @property
    def checks(self) -> dict[str, Check]:
        """Whether our own servers answer."""
        return {f"fhir {version}": health.check_own_server(self.world, server) for version, server in self.own.items()}

    def install(self, app: web.Application) -> None:
        """Give the services to an application."""
        subject, path = self.config.organisation.subject, base_path(self.config)
        app[exchange_routes.ENFORCEMENT] = {subject: self.point}
        app[exchange_routes.BROKERS] = {subject: self.broker}
        app[exchange_routes.EXPLAINER] = self.explainer
        self.books.install(app)
        app[DECISIONS] = DecisionPoint(self.explainer, self.audit, self.world.clock)
        app[exchange_routes.USECASES] = self.trust.usecases
        app[exchange_routes.WORLD] = self.world
        app[exchange_routes.PUBLIC_ORIGIN] = self.config.url.removesuffix(path) if path else self.config.url


def open_exchange(
    config: Config, world: World, kept: Kept, trust: Trust, members: Members, tokens: Tokens, records: Records
) -> Exchange:
    """Wire both ways."""
    limits = config.limits
    own: dict[FhirVersion, OwnServer] = {
        version: OwnServer(version=version, url=server.url, known_as=server.known_as)
        for version, server in config.fhir.items()
    }
    world = replace(world, own=Bulkhead(world.own))
    facts = OwnRecords(world.own, own, world.clock, keep=limits.facts_ms / 1000, timeout=limits.step_ms / 1000)
    books = open_holder_books(database=kept.database, vault=kept.vault, audit=kept.audit, world=world)
    point = EnforcementPoint(
        world=world,
        vault=kept.vault,
        subject=config.organisation.subject,
        holder_type=config.organisation.facility_type,
        public_url=config.url,
        own=own,
        guard=ResourceGuard(tokens.store, world.clock, trust.verifier, tokens.nonces),
        usecases=trust.usecases,
        registered=members.participation,
        records=facts,
        consents=LocalConsents(records.book),
        emergencies=books.emergencies,
        agreements=books.agreements,
        named=books.named,
        audit=kept.audit,
        counter=trust.refusals,
        timeout=limits.step_ms / 1000,
        page_bytes=limits.page_bytes,
        pages=PageBudget(),
    )
    broker = Broker(
        means=Means(
            world=world,
            vault=kept.vault,
            tokens=tokens.requester,
            audit=kept.audit,
            limits=Limits(
                step=limits.step_ms / 1000,
                question=limits.question_ms / 1000,
                queries_per_peer=limits.queries_per_peer,
                page_bytes=limits.page_bytes,
            ),
            health=PeerHealth(world.clock),
            memory=SessionMemory(world.clock),
        ),
        own_ura=config.organisation.ura,
        own_type=config.organisation.facility_type,
        registered=members.participation,
        records=facts,
    )
    return Exchange(
        config=config,
        world=world,
        trust=trust,
        own=own,
        facts=facts,
        point=point,
        broker=broker,
        books=books,
        audit=kept.audit,
        explainer=Explainer({config.organisation.subject: point}, kept.reader, world.clock),
    )
