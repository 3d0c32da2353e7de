"""From the configuration to the care services directory."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass

from aiohttp import web

from node.config.model import Config
from node.directory import boundary, endpoint_routes, own_routes, public, routes
from node.directory.endpoints import Endpoints
from node.directory.finding import Finder
from node.directory.follower import Follower
from node.directory.own import OwnEntries
from node.directory.publishing import Publisher
from node.directory.replica import Replica
from node.directory.rounds import Rounds
from node.oauth.metadata import issuer_url
from node.ports import World
from node.storage.database import Database
from node.usecases.book import UseCaseBook
from node.web.replies import RequestError
from registry.directory import Directory
from registry.mcsd.entries import OwnOrganisation

PUBLIC = public.PATH
"""Path of the small directory that others may follow."""
INTERNAL = (routes.FHIR, own_routes.PATH)
"""Paths where FHIR is spoken on the internal listener."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CareDirectory:
    """The care services directory of a node: the replica, and our own entries."""

    finder: Finder
    replica: Replica
    rounds: Rounds
    own: OwnEntries
    publisher: Publisher
    endpoints: Endpoints
    usecases: UseCaseBook

    @property
    def loops(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What runs beside the listeners: nothing, when no directory is followed."""
        return {} if self.rounds.dialect is None else {"care directory": self.rounds.run}

    async def telephones(self, uras: Collection[str]) -> Mapping[str, str]:
        """Telephone numbers of organisations by URA, as the replica has them."""
        # Loaded with the first view of a care team.
        from node.exchange.views.telephones import find_telephones

        return await find_telephones(self.finder, uras)

    def install(self, app: web.Application) -> None:
        """Give the routes what they ask for."""
        app[routes.FINDER] = self.finder
        app[routes.REPLICA] = self.replica
        app[routes.ROUNDS] = self.rounds
        app[public.OWN] = self.own
        app[own_routes.PUBLISHER] = self.publisher
        app[endpoint_routes.ENDPOINTS] = self.endpoints
        app[endpoint_routes.ENDPOINT_USECASES] = self.usecases


async def open_directory(
    config: Config,
    world: World,
    database: Database,
    usecases: UseCaseBook,
    *,
    registered: Callable[[], Directory],
    is_away: Callable[[str], bool],
) -> CareDirectory:
    """Wire the directory, and name what the configuration says to follow.

    Args:
        config: its ``organisation`` and ``directory``.
        world: time, chance and network.
        database: of the node.
        usecases: those this node takes part in.
        registered: who is registered at discovery services, now.
        is_away: whether an address kept failing and is left alone.
    """
    replica = Replica(database)
    rounds = Rounds(
        replica,
        Follower(replica, world.peers, world.clock),
        world.clock,
        world.entropy,
        url=config.directory.url,
        dialect=config.directory.dialect,
    )
    await rounds.start()
    own = OwnEntries(database, world.clock)
    publisher = Publisher(own, world.peers, _organisation(config), send_to=config.directory.publish_to)
    finder = Finder(database)
    return CareDirectory(
        finder=finder,
        replica=replica,
        rounds=rounds,
        own=own,
        publisher=publisher,
        endpoints=Endpoints(finder, rounds, world.clock, registered=registered, is_away=is_away),
        usecases=usecases,
    )


def public_routes(base_path: str) -> list[web.RouteDef]:
    """Routes of the public listener."""
    return public.public_routes(base_path)


def internal_routes() -> list[web.RouteDef]:
    """Routes of the internal listener."""
    return [*routes.internal_routes(), *own_routes.internal_routes(), *endpoint_routes.internal_routes()]


def as_request_error(error: Exception) -> RequestError | None:
    """Translate this room's errors for the boundary."""
    return boundary.as_request_error(error) or own_routes.as_request_error(error)


def _organisation(config: Config) -> OwnOrganisation:
    own = config.organisation
    return OwnOrganisation(
        ura=own.ura,
        name=own.name,
        city=own.city,
        facility_type=own.facility_type,
        directory=f"{config.url}{PUBLIC}",
        authorization_server=issuer_url(config.url, own.subject),
        fhir_bases={version: f"{config.url}/fhir/{own.subject}/{version}" for version in config.fhir},
    )
