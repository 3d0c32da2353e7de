"""From the composition root to the doctor. Nothing of it is loaded before somebody asks: a node that is well needs none of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from node.config.model import Config
from node.ports import World

if TYPE_CHECKING:
    from node.doctor.walk import Means
    from node.parts.members import Members
    from node.parts.tokens import Tokens
    from node.parts.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """Opens what an examination needs, when there is one."""

    means: "Callable[[], Means]"

    def install(self, app: web.Application) -> None:
        """Give it to an application."""
        app[DOCTOR] = self


DOCTOR = web.AppKey("DOCTOR", Doctor)


def open_doctor(config: Config, world: World, trust: "Trust", members: "Members", tokens: "Tokens") -> Doctor:
    """Wire it."""

    def means() -> "Means":
        from node.doctor.walk import Means
        from node.web.probe import NetworkProbe

        return Means(
            world=world,
            probe=NetworkProbe(
                loopback=config.unsafe_loopback_peers,
                ca_file=None if config.trust.ca_file is None else str(config.trust.ca_file),
            ),
            subjects=trust.subjects,
            wallet=trust.wallet,
            definitions=tokens.definitions,
            registered=members.participation,
            usecases=trust.usecases.all,
            services=tuple(members.client.services),
            public_url=config.url,
            own_ura=config.organisation.ura,
            own_type=config.organisation.facility_type,
        )

    return Doctor(means=means)


def internal_routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener."""
    return [web.post("/internal/doctor/v1/{subject}", post_examine)]


async def post_examine(request: web.Request) -> web.Response:
    """``POST /internal/doctor/v1/{subject}``: the whole way to another organisation, step by step."""
    from node.doctor.routes import examine

    return await examine(request, request.app[DOCTOR].means())
