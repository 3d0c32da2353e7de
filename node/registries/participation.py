"""Taking part: register where the configuration says, keep registered, follow the lists, know who is there.

:class:`Participation` runs in the background and holds the directory that the exchange asks on every request: a value in memory,
replaced as a whole, never older than one look at the lists. A host that is away is logged once, not at every try, and everything
goes on with what is known (ARCHITECTURE §8).
"""

import logging
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import get_args

from credentials.did.identifier import DID
from credentials.errors import CredentialError
from node.ports import Clock
from node.registries.definition_files import DefinitionFiles
from node.registries.lapsed import Lapsed
from node.verification.standing import Standing
from registry.client import RegistryClient
from registry.directory import Directory
from registry.entry import Registered
from registry.errors import RegistryError
from registry.ports import Refusal, RegistryStore
from registry.transparency.heads import AlarmKind, LogReport

logger = logging.getLogger(__name__)

WATCH_SECONDS = 15.0
"""How often the credentials of who is registered are looked at again: a revocation shows within the minute."""

LOOK_AGAIN = timedelta(seconds=30)
"""Who expired leaves the directory within this time, also when nothing else changes."""

MAX_REFUSALS = 20
"""Refused entries of a service that the operator is shown."""

MAX_MEMBERS = 20_000
"""Registrations per service that the directory holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """How following one service goes.

    Attributes:
        refreshed_at: when the list was last read whole; ``None`` before that.
        error: of the last try; ``None`` when it went well.
        refused: entries of the last reply that were not taken.
        pending: entries that wait to be verified.
        refusals: the last of those that were not taken, and why; kept until others are refused.
        log: how following its log went; None where it has none.
    """

    refreshed_at: datetime | None = None
    error: str | None = None
    refused: int = 0
    pending: int = 0
    members: int = 0
    refusals: tuple[Refusal, ...] = ()
    log: LogReport | None = None


class Participation:
    """Our part in discovery services, in the background.

    Args:
        standing: looks again at credentials of who is registered.
        join: services to be registered at; ``holder`` is the DID that registers, ``parameters`` what it says about itself.
        hosted: services whose list is kept here.
        files: definition files to look at again every round.
        pause: between two rounds.
    """

    def __init__(
        self,
        *,
        client: RegistryClient,
        store: RegistryStore,
        clock: Clock,
        standing: Standing,
        holder: DID,
        join: Sequence[str],
        hosted: Container[str],
        files: DefinitionFiles | None = None,
        parameters: Mapping[str, str],
        pause: timedelta,
    ) -> None:
        self._client = client
        self._store = store
        self._clock = clock
        self._holder = holder
        self._join = tuple(join)
        self._hosted = hosted
        self._files = files
        self._parameters = dict(parameters)
        self._pause = pause
        self._members: tuple[Registered, ...] = ()
        self._lapsed = Lapsed(standing, clock)
        self._directory = Directory(())
        self._looked_at = clock.now()
        self._followed: dict[str, Followed] = {}
        self._told: dict[tuple[str, str], str] = {}

    @property
    def directory(self) -> Directory:
        """Everybody who is registered in the services we follow or host, and did not lapse, as of the last look."""
        return self._directory

    def without_lapsed(self, entries: Sequence[Registered]) -> list[Registered]:
        """Return those of ``entries`` whose credentials still stand, as of the last look."""
        return self._lapsed.without(entries)

    def parameters_of(self, holder: DID) -> Mapping[str, str]:
        """Return what an organisation says about itself on registering, unless a vendor says more; nothing for another than ours."""
        return self._parameters if holder == self._holder else {}

    @property
    def pause(self) -> timedelta:
        """Time between two rounds."""
        return self._pause

    def followed(self, service: str) -> Followed:
        """Return how following ``service`` goes."""
        return self._followed.get(service, Followed())

    async def start(self) -> None:
        """Load what is known from the last run and note where we want to be registered; touches no network."""
        await self._note_wishes()
        await self.look()

    async def _note_wishes(self) -> None:
        now = self._clock.now()
        for service in self._join:
            standing = await self._store.own(service, self._holder)
            if standing is None or standing.leaving or dict(standing.parameters) != self._parameters:
                await self._store.join(service, self._holder, self._parameters, now)

    async def run(self) -> None:
        """Do rounds for ever."""
        while True:
            await self.round()
            await self._clock.sleep(self._pause.total_seconds())

    async def watch(self) -> None:
        """Look for ever whether the credentials of who is registered still stand."""
        while True:
            await self._clock.sleep(WATCH_SECONDS)
            if await self._lapsed.look(self._members):
                logger.info("somebody in a discovery service lapsed, or came back")
                self._show()

    async def round(self) -> None:
        """Register what is due, read every list, look who is there."""
        changed = self._files is not None and self._files.look()
        if changed:
            await self._note_wishes()
        changed = changed or any(service in self._hosted for service in self._client.services)  # others change those
        for report in await self._client.refresh():
            changed = True
            self._tell(report.service, "not registered", report.error)
        for service in tuple(self._client.services):
            changed = await self._follow(service) or changed
        if changed or self._clock.now() - self._looked_at > LOOK_AGAIN:
            await self.look()

    async def look(self) -> None:
        """Replace the directory by what the store holds now."""
        self._looked_at = self._clock.now()
        entries: list[Registered] = []
        for service in tuple(self._client.services):
            found = await self._store.search(service, (), self._clock.now(), limit=MAX_MEMBERS)
            known = self.followed(service)
            refreshed_at = self._clock.now() if service in self._hosted else known.refreshed_at
            self._followed[service] = replace(known, refreshed_at=refreshed_at, members=len(found))
            entries.extend(found)
        self._members = tuple(entries)
        self._show()

    def _show(self) -> None:
        self._directory = Directory(self._lapsed.without(self._members))

    async def _follow(self, service: str) -> bool:
        """Read one list; returns whether anything in it changed."""
        known = self.followed(service)
        try:
            report = await self._client.follow(service)
        except (RegistryError, CredentialError) as error:
            self._tell(service, "not read", str(error))
            self._followed[service] = replace(known, error=str(error))
            return False
        except Exception as error:  # a busy database, or a defect of ours: it stays with this service
            reason = f"it can not be read here: {type(error).__name__}"
            logger.debug("traceback of following a service", exc_info=error)
            self._tell(service, "not read", reason)
            self._followed[service] = replace(known, error=reason)
            return False
        self._tell(service, "not read", None)
        for refusal in report.refused:
            logger.warning(
                "an entry of a discovery service was refused", extra={"service": service, "code": refusal.error.code}
            )
        if service in self._hosted:
            return report.accepted > 0
        for alarm in report.log.alarms if report.log is not None else ():
            self._tell(service, alarm.kind, f"{alarm.source}: {alarm.detail}")
        for kind in get_args(AlarmKind):
            if report.log is not None and all(alarm.kind != kind for alarm in report.log.alarms):
                self._tell(service, kind, None)
        self._followed[service] = Followed(
            refreshed_at=self._clock.now(),
            refused=len(report.refused),
            pending=report.pending,
            members=known.members,
            refusals=report.refused[-MAX_REFUSALS:] or known.refusals,
            log=report.log,
        )
        return report.accepted > 0 or report.forgot

    def _tell(self, service: str, what: str, error: str | None) -> None:
        """Log what goes wrong when it begins or changes, and when it is over; not at every try."""
        if error is None:
            if self._told.pop((service, what), None) is not None:
                logger.info("discovery service is back", extra={"service": service, "state": what})
        elif self._told.get((service, what)) != error:
            self._told[service, what] = error
            logger.warning("discovery service", extra={"service": service, "state": what, "reason": error})
