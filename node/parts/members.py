"""Who is out there: discovery services, hosted, followed and joined."""

from dataclasses import dataclass
from datetime import timedelta

from aiohttp import web

from node import health
from node.config.model import Config
from node.health import Check
from node.identity import vdr_routes
from node.parts.kept import Kept
from node.parts.trust import Trust
from node.ports import World
from node.registries import log_routes
from node.registries import routes as registry_routes
from node.registries.adapters import OwnRegistrants, RegistryPeers
from node.registries.definition_files import DefinitionFiles
from node.registries.hosted import HostedServices
from node.registries.participation import Participation
from node.registries.renewal import Renewal
from node.registries.taking_over import TakingOver
from node.storage.registry_store import SqlRegistryStore
from registry.client import RegistryClient
from registry.host import RegistryHost
from registry.transparency.hosting import LogHost
from registry.transparency.keys import LogKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Everybody who registered.

    Attributes:
        participation: follows and registers; to be run.
        renewal: registers anew, or withdraws, when keys change.
    """

    config: Config
    world: World
    store: SqlRegistryStore
    host: RegistryHost
    client: RegistryClient
    participation: Participation
    renewal: Renewal
    hosted: HostedServices
    logs: LogHost
    taking_over: TakingOver
    files: DefinitionFiles

    @property
    def checks(self) -> dict[str, Check]:
        """How fresh each list is."""
        return {
            "definitions": health.check_definitions(self.files),
            **{
                f"discovery {name}": health.check_discovery(self.participation, self.world, name, hosted=self.hosted)
                for name in self.client.services
            },
        }

    def install(self, app: web.Application) -> None:
        """Give the services to an application."""
        app[registry_routes.HOST] = self.host
        app[registry_routes.CLIENT] = self.client
        app[registry_routes.STORE] = self.store
        app[registry_routes.PARTICIPATION] = self.participation
        app[vdr_routes.WITHDRAWS] = self.renewal
        app[log_routes.LOG_HOST] = self.logs
        app[log_routes.HOSTED] = self.hosted
        app[log_routes.TAKING_OVER] = self.taking_over


async def open_members(config: Config, world: World, kept: Kept, trust: Trust) -> Members:
    """Wire host and client, and read what was known before."""
    clock, entropy = world.clock, world.entropy
    store = SqlRegistryStore(kept.database)
    logs = LogHost(store, LogKeys(secret=kept.vault.secret("seal"), url=config.url), clock)
    named = frozenset({*config.discovery.join, *config.discovery.host})
    files = DefinitionFiles(config.discovery.definitions, trust.services, named)
    hosted = HostedServices(trust.services, config.discovery.host)
    taking_over = TakingOver(store, logs.keys, files, hosted)
    await taking_over.restore()
    host = RegistryHost(
        hosted,
        stopped=files.stopped,
        store=store,
        verifier=trust.verifier,
        clock=clock,
        entropy=entropy,
    )
    client = RegistryClient(
        trust.services,
        store=store,
        peers=RegistryPeers(world.peers),
        verifier=trust.verifier,
        registrants=OwnRegistrants(trust.subjects, trust.wallet, config.url),
        clock=clock,
        entropy=entropy,
        host=host,
        log_host=logs,
        stopped=files.stopped,
    )
    participation = Participation(
        client=client,
        store=store,
        clock=clock,
        standing=trust.verifier,
        holder=trust.holder,
        join=config.discovery.join,
        hosted=hosted,
        files=files,
        parameters=registry_routes.own_parameters(
            config.url, config.organisation.subject, tuple(config.fhir), config.organisation.facility_type
        ),
        pause=timedelta(milliseconds=config.discovery.refresh_ms),
    )
    await participation.start()
    renewal = Renewal(client, store)
    return Members(
        config=config,
        world=world,
        store=store,
        host=host,
        client=client,
        participation=participation,
        renewal=renewal,
        hosted=hosted,
        logs=logs,
        taking_over=taking_over,
        files=files,
    )
