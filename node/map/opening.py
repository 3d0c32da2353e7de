"""From the composition root to the map. Nothing of it is loaded before somebody asks for one."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from aiohttp import web

from node.config.model import Config
from node.identity.routes import SUBJECTS
from node.ports import World

if TYPE_CHECKING:
    from node.map.drawing import Means
    from node.parts.members import Members
    from node.parts.tokens import Tokens
    from node.parts.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """Opens what a map is made from, when there is one; always the same, since statements are remembered."""

    means: "Callable[[], Means]"

    def install(self, app: web.Application) -> None:
        """Give it to an application."""
        app[MAP] = self


MAP = web.AppKey("MAP", Map)


def open_map(config: Config, world: World, trust: "Trust", members: "Members", tokens: "Tokens") -> Map:
    """Wire it."""

    @cache
    def means() -> "Means":
        from node.map.drawing import Means  # see the module docstring
        from node.map.statements import Statements  # likewise

        return Means(
            registered=members.participation,
            explainer=tokens.explainer,
            statements=Statements(world.peers, world.clock),
            active=trust.usecases.all,
            services=frozenset(members.client.services),
            own_ura=config.organisation.ura,
            own_type=config.organisation.facility_type,
            fhir=frozenset(config.fhir),
        )

    return Map(means=means)


def internal_routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener."""
    return [web.get("/internal/map/v1/{subject}", get_map)]


async def get_map(request: web.Request) -> web.Response:
    """``GET /internal/map/v1/{subject}?usecase=&ura=&inactive=&look=``: who can exchange what with us."""
    from node.map.routes import answer  # see the module docstring

    subject = await request.app[SUBJECTS].get(request.match_info["subject"])
    return await answer(request, subject.name, request.app[MAP].means())
