"""Agreements in the node's database."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from node.audit.log import AuditLog
from node.audit.record import AuditRecord
from node.exchange.agreement.agreement import MAX_AGREEMENTS, Agreement, NewAgreement
from node.exchange.refusal import later
from node.ports import Clock, Entropy
from node.storage.database import Database
from node.storage.schema import agreements
from node.web.replies import RequestError


class AgreementBook:
    """Agreements of every organisation hosted here (:class:`node.exchange.holder_ports.Agreements`)."""

    def __init__(self, database: Database, *, log: AuditLog, clock: Clock, entropy: Entropy) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._entropy = entropy

    async def with_requester(self, *, subject: str, ura: str, usecase: str) -> str | None:
        """Return the id of an agreement that runs now; ``None`` when there is none.

        Raises:
            RequestError: 503, the database does not answer.
        """
        today = self._clock.now().date()
        try:
            found = await self._find(agreements.c.subject == subject, agreements.c.ura == ura)
        except SQLAlchemyError as error:
            raise later("agreements_unavailable") from error
        return next((each.id for each in found if each.usecase == usecase and each.runs(today)), None)

    async def listed(self, subject: str) -> Sequence[Agreement]:
        """Return every agreement of an organisation, by URA."""
        return await self._find(agreements.c.subject == subject)

    async def add(self, subject: str, new: NewAgreement, *, caller: str) -> Agreement:
        """Write down an agreement.

        Raises:
            RequestError: 409, there are too many.
        """
        made = Agreement(
            id=self._entropy.uuid(),
            ura=new.ura,
            usecase=new.usecase,
            document=new.document,
            start=new.start,
            end=new.end,
        )
        async with self._database.transaction() as connection:
            count = select(func.count()).select_from(agreements).where(agreements.c.subject == subject)
            if (await connection.execute(count)).scalar_one() >= MAX_AGREEMENTS:
                raise RequestError(409, "too_many_agreements", f"there are {MAX_AGREEMENTS} agreements already")
            await self._log.record(self._record(subject, made, "agreement_added", caller))
            await connection.execute(
                insert(agreements).values(
                    subject=subject,
                    id=made.id,
                    ura=made.ura,
                    usecase=made.usecase,
                    document=made.document,
                    start=made.start.isoformat(),
                    end=None if made.end is None else made.end.isoformat(),
                )
            )
        return made

    async def remove(self, subject: str, agreement: str, *, caller: str) -> None:
        """Take an agreement away; what was decided on it is decided again.

        Raises:
            RequestError: 404, there is none.
        """
        is_this = (agreements.c.subject == subject, agreements.c.id == agreement)
        async with self._database.transaction() as connection:
            row = (await connection.execute(select(agreements).where(*is_this))).first()
            if row is None:
                raise RequestError(404, "unknown_agreement", "there is no such agreement")
            await self._log.record(self._record(subject, _agreement(row), "agreement_removed", caller))
            await connection.execute(delete(agreements).where(*is_this))
            staged = await self._log.stage_epoch(connection)
        await self._log.settle_epoch(staged)

    async def _find(self, *conditions: Any) -> Sequence[Agreement]:
        async with self._database.reading() as connection:
            found = await connection.execute(
                select(agreements).where(*conditions).order_by(agreements.c.ura, agreements.c.id).limit(MAX_AGREEMENTS)
            )
            return [_agreement(row) for row in found]

    def _record(self, subject: str, agreement: Agreement, code: str, caller: str) -> AuditRecord:
        return AuditRecord(
            kind="change",
            direction="local",
            subject=subject,
            at=self._clock.now(),
            decision="permit",
            code=code,
            usecase=agreement.usecase,
            peer_ura=agreement.ura,
            interaction=f"agreement {agreement.id}",
            user_evidence=f"caller {caller}",
        )


def _agreement(row: Row[Any]) -> Agreement:
    return Agreement(
        id=row.id,
        ura=row.ura,
        usecase=row.usecase,
        document=row.document,
        start=date.fromisoformat(row.start),
        end=None if row.end is None else date.fromisoformat(row.end),
    )
