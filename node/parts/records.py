"""What citizens allow, and what was recorded."""

import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from aiohttp import web

from credentials.keys import KeyId, PublicKey
from node.audit.fhir import Site
from node.audit.head import HeadKeeper
from node.audit.routes import AUDIT
from node.audit.service import AuditService
from node.config.model import Config
from node.consent.book import ConsentBook
from node.consent.routes import CONSENTS
from node.consent.service import ConsentService
from node.consent.store import ConsentStore
from node.keys.errors import VaultError
from node.parts.kept import Kept
from node.parts.members import Members
from node.parts.trust import Trust
from node.ports import World

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Consents and the audit log, for people.

    Attributes:
        book: what citizens recorded, in memory, for the decision.
        heads: signs the head of the audit log; to be run.
    """

    book: ConsentBook
    consents: ConsentService
    audit: AuditService
    heads: HeadKeeper

    def install(self, app: web.Application) -> None:
        """Give the services to an application."""
        app[AUDIT] = self.audit
        app[CONSENTS] = self.consents


def open_records(
    config: Config, world: World, kept: Kept, trust: Trust, members: Members, stack: AsyncExitStack
) -> Records:
    """Wire them; when ``stack`` closes, the last head of the audit log is signed."""
    clock, subjects = world.clock, trust.subjects

    async def site(name: str) -> Site:
        await subjects.get(name)
        return Site(subject=name, ura=config.organisation.ura, name=config.organisation.name)

    async def askers(_subject: str) -> list[tuple[str, str | None, str | None]]:
        found = {
            each.ura: (each.ura, each.name, each.facility_type)
            for usecase in trust.usecases.all
            for each in members.participation.directory.organisations(usecase.discovery_service)
        }
        return [found[ura] for ura in sorted(found) if ura != config.organisation.ura]

    async def audit_keys() -> Mapping[KeyId, PublicKey]:
        return await subjects.keys_ever(trust.holder)

    store = ConsentStore(kept.database, sealer=kept.sealer_for("consent"), log=kept.audit)
    book = ConsentBook(store, kept.audit, clock=clock)
    heads = HeadKeeper(kept.audit, lambda: subjects.signing_key(trust.holder), clock=clock)
    stack.push_async_callback(_sign_last_head, heads)
    return Records(
        book=book,
        consents=ConsentService(
            store=store,
            book=book,
            log=kept.audit,
            sites=site,
            organisations=askers,
            pseudonym_secret=kept.pseudonym_secret,
            clock=clock,
            entropy=world.entropy,
        ),
        audit=AuditService(
            log=kept.audit,
            reader=kept.reader,
            heads=heads,
            keys=audit_keys,
            sites=site,
            sealer=kept.sealer,
            pseudonym_secret=kept.pseudonym_secret,
            clock=clock,
        ),
        heads=heads,
    )


async def _sign_last_head(heads: HeadKeeper) -> None:
    """Leave a signed head behind, so that what was written until now can not be cut off unseen."""
    try:
        await heads.sign()
    except VaultError as error:
        logger.warning("last audit head not signed", extra={"error": type(error).__name__})
