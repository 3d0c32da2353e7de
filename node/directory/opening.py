"""From the composition root to the care services directory.

Most of it is loaded with the first question about it: a node that follows no directory, and whom nobody asks, needs none of it.
"""

import sys
from collections.abc import Awaitable, Callable, Collection, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from aiohttp import web
from aiohttp.typedefs import Handler

from node.config.model import Config
from node.directory import boundary, keys
from node.ports import World
from node.storage.database import Database
from node.usecases.book import UseCaseBook
from node.web.replies import RequestError
from registry.directory import Directory

if TYPE_CHECKING:
    from node.directory.whole import CareDirectory

PUBLIC: Final = keys.PUBLIC
INTERNAL: Final = (keys.FHIR, keys.OWN_PATH)
"""Paths where FHIR is spoken on the internal listener."""

Part = TypeVar("Part")

_API: Final = "/internal/directory/v1"


class LateDirectory:
    """The directory of a node, put together when it is first needed.

    Args:
        assemble: puts it together.
        usecases: those this node takes part in.
    """

    def __init__(self, assemble: "Callable[[], CareDirectory]", usecases: UseCaseBook) -> None:
        self._assemble = assemble
        self._usecases = usecases
        self._whole: CareDirectory | None = None
        self.loops: Mapping[str, Callable[[], Awaitable[None]]] = {}
        """What runs beside the listeners: nothing, when no directory is followed."""

    @property
    def whole(self) -> "CareDirectory":
        """All of it; the first to ask waits for it to be loaded."""
        if self._whole is None:
            self._whole = self._assemble()
        return self._whole

    async def follow(self) -> None:
        """Name what the configuration says to follow."""
        await self.whole.rounds.start()
        self.loops = {"care directory": self.whole.rounds.run}

    async def telephones(self, uras: Collection[str]) -> Mapping[str, str]:
        """Telephone numbers of organisations by URA, as the replica has them."""
        # Loaded with the first view of a care team.
        from node.exchange.views.telephones import find_telephones

        return await find_telephones(self.whole.finder, uras)

    def install(self, app: web.Application) -> None:
        """Give the routes what they ask for."""
        app[keys.FINDER] = _late_part(lambda: self.whole.finder)
        app[keys.REPLICA] = _late_part(lambda: self.whole.replica)
        app[keys.ROUNDS] = _late_part(lambda: self.whole.rounds)
        app[keys.OWN] = _late_part(lambda: self.whole.own)
        app[keys.PUBLISHER] = _late_part(lambda: self.whole.publisher)
        app[keys.ENDPOINTS] = _late_part(lambda: self.whole.endpoints)
        app[keys.ENDPOINT_USECASES] = self._usecases


async def open_directory(
    config: Config,
    world: World,
    database: Database,
    usecases: UseCaseBook,
    *,
    registered: Callable[[], Directory],
    is_away: Callable[[str], bool],
) -> LateDirectory:
    """Wire the directory, and name what the configuration says to follow.

    Args:
        config: its ``organisation`` and ``directory``.
        world: time, chance and network.
        database: of the node.
        usecases: those this node takes part in.
        registered: who is registered at discovery services, now.
        is_away: whether an address kept failing and is left alone.
    """

    def assemble_now() -> "CareDirectory":
        from node.directory.whole import assemble

        return assemble(config, world, database, registered=registered, is_away=is_away)

    directory = LateDirectory(assemble_now, usecases)
    if config.directory.url is not None:
        await directory.follow()
    return directory


def public_routes(base_path: str) -> list[web.RouteDef]:
    """Routes of the public listener."""
    path = base_path + PUBLIC
    return [
        web.get(f"{path}/metadata", _late("public", "get_metadata")),
        web.get(f"{path}/{{type}}", _late("public", "get_all")),
        web.get(f"{path}/{{type}}/_history", _late("public", "get_history")),
        web.get(f"{path}/{{type}}/{{id}}", _late("public", "get_one")),
    ]


def internal_routes() -> list[web.RouteDef]:
    """Routes of the internal listener."""
    return [
        web.get(f"{_API}/status", _late("routes", "get_status")),
        web.post(f"{_API}/sync", _late("routes", "post_sync")),
        web.get(f"{keys.FHIR}/metadata", _late("routes", "get_metadata")),
        web.get(f"{keys.FHIR}/{{type}}", _late("routes", "get_search")),
        web.post(f"{keys.FHIR}/{{type}}/_search", _late("routes", "post_search")),
        web.get(f"{keys.FHIR}/{{type}}/{{id}}", _late("routes", "get_resource")),
        web.post(f"{_API}/publish", _late("own_routes", "post_publish")),
        web.get(f"{keys.OWN_PATH}/{{type}}/{{id}}", _late("own_routes", "get_own")),
        web.put(f"{keys.OWN_PATH}/{{type}}/{{id}}", _late("own_routes", "put_own")),
        web.get(f"{_API}/endpoints", _late("endpoint_routes", "get_endpoints")),
    ]


def as_request_error(error: Exception) -> RequestError | None:
    """Translate this room's errors for the boundary; those of our own entries exist only where these were loaded."""
    translated = boundary.as_request_error(error)
    own = sys.modules.get("node.directory.own_routes")
    if translated is None and own is not None:
        found: RequestError | None = own.as_request_error(error)
        return found
    return translated


class _Late:
    """Stands for a part of the directory until it is used."""

    def __init__(self, find: Callable[[], object]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Any:
        return getattr(self._find(), name)


def _late_part(find: Callable[[], Part]) -> Part:
    """Return what can be used as the part that ``find`` finds when it is first used."""
    return cast("Part", _Late(find))


def _late(module: str, name: str) -> Handler:
    """Make a handler that loads the real one."""

    async def handler(request: web.Request) -> web.StreamResponse:
        real: Handler = getattr(import_module(f"node.directory.{module}"), name)
        return await real(request)

    return handler
