"""Puts together what the holder's side keeps in the database: one piece for the composition root."""

from dataclasses import dataclass

from aiohttp import web

from node.audit.log import AuditLog
from node.audit.seal import Sealer
from node.exchange.agreement import routes as agreement_routes
from node.exchange.agreement.book import AgreementBook
from node.exchange.emergency import routes as emergency_routes
from node.exchange.emergency.book import EmergencyBook
from node.exchange.named_store import SqlNamedStore
from node.exchange.pdp import routes as pdp_routes
from node.ports import KeyVault, World
from node.storage.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderBooks:
    """What the decision reads and writes beside consents and the audit log.

    Attributes:
        named: to be pruned now and then.
    """

    emergencies: EmergencyBook
    agreements: AgreementBook
    named: SqlNamedStore

    def install(self, app: web.Application) -> None:
        """Give the services to an application whose routes ask for them."""
        app[emergency_routes.EMERGENCIES] = self.emergencies
        app[agreement_routes.AGREEMENTS] = self.agreements


def open_holder_books(*, database: Database, vault: KeyVault, audit: AuditLog, world: World) -> HolderBooks:
    """Wire them; each seals under a key of its own."""

    def sealer(purpose: str) -> Sealer:
        return Sealer(vault.secret("seal"), purpose=purpose, entropy=world.entropy)

    clock, entropy = world.clock, world.entropy
    return HolderBooks(
        emergencies=EmergencyBook(database, sealer=sealer("emergency"), log=audit, clock=clock, entropy=entropy),
        agreements=AgreementBook(database, log=audit, clock=clock, entropy=entropy),
        named=SqlNamedStore(database, sealer=sealer("named")),
    )


def internal_routes() -> list[web.RouteDef]:
    """Return the routes of the internal listener."""
    return [*emergency_routes.internal_routes(), *agreement_routes.internal_routes(), *pdp_routes.internal_routes()]
