"""The care services directory of a node, put together: the replica, and our own entries."""

from collections.abc import Callable
from dataclasses import dataclass

from node.config.model import Config
from node.directory.endpoints import Endpoints
from node.directory.finding import Finder
from node.directory.follower import Follower
from node.directory.keys import PUBLIC
from node.directory.own import OwnEntries
from node.directory.publishing import Publisher
from node.directory.replica import Replica
from node.directory.rounds import Rounds
from node.oauth.metadata import issuer_url
from node.ports import World
from node.storage.database import Database
from registry.directory import Directory
from registry.mcsd.entries import OwnOrganisation


@dataclass(frozen=True, slots=True, kw_only=True)
class CareDirectory:
    """All of it."""

    finder: Finder
    replica: Replica
    rounds: Rounds
    own: OwnEntries
    publisher: Publisher
    endpoints: Endpoints


def assemble(
    config: Config,
    world: World,
    database: Database,
    *,
    registered: Callable[[], Directory],
    is_away: Callable[[str], bool],
) -> CareDirectory:
    """Wire it; the arguments are those of ``opening.open_directory``."""
    replica = Replica(database)
    rounds = Rounds(
        replica,
        Follower(replica, world.peers, world.clock),
        world.clock,
        world.entropy,
        url=config.directory.url,
        dialect=config.directory.dialect,
    )
    own = OwnEntries(database, world.clock)
    finder = Finder(database)
    return CareDirectory(
        finder=finder,
        replica=replica,
        rounds=rounds,
        own=own,
        publisher=Publisher(own, world.peers, _organisation(config), send_to=config.directory.publish_to),
        endpoints=Endpoints(finder, rounds, world.clock, registered=registered, is_away=is_away),
    )


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
