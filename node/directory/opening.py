"""From the configuration to the care services directory."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from node.config.model import Config
from node.directory.finding import Finder
from node.directory.follower import Follower
from node.directory.replica import Replica
from node.directory.rounds import Rounds
from node.directory.routes import FINDER, REPLICA, ROUNDS
from node.ports import World
from node.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class CareDirectory:
    """The care services directory of a node."""

    finder: Finder
    replica: Replica
    rounds: Rounds

    @property
    def loops(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What runs beside the listeners: nothing, when no directory is followed."""
        return {} if self.rounds.dialect is None else {"care directory": self.rounds.run}

    def install(self, app: web.Application) -> None:
        """Give the routes what they ask for."""
        app[FINDER] = self.finder
        app[REPLICA] = self.replica
        app[ROUNDS] = self.rounds


async def open_directory(config: Config, world: World, database: Database) -> CareDirectory:
    """Wire the directory, and name what the configuration says to follow."""
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
    return CareDirectory(finder=Finder(database), replica=replica, rounds=rounds)
