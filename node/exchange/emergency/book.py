"""Emergencies in the node's database: opened once per grant, found by every replica, reviewed later.

That one grant opens one citizen is the table's own rule (``grant_id`` is unique), so that two requests at the same moment can not
open two. Reason and note are sealed, bound to the emergency they stand in.
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Row, select, update
from sqlalchemy.exc import SQLAlchemyError

from node.audit.log import AuditLog
from node.audit.record import AuditRecord, from_milliseconds, milliseconds
from node.audit.seal import Sealer
from node.exchange.decide.question import EmergencyState
from node.exchange.emergency.emergency import DURATION, MAX_LISTED, Emergency, Review, Verdict
from node.exchange.forwarding import Promised
from node.exchange.refusal import later
from node.ports import Clock, Entropy
from node.storage.database import Database, insert_or
from node.storage.schema import emergencies
from node.web.replies import RequestError

logger = logging.getLogger(__name__)


class EmergencyBook:
    """Emergencies of every organisation hosted here (:class:`node.exchange.holder_ports.Emergencies`).

    Args:
        sealer: for the purpose "emergency".
        log: where reviews are recorded.
    """

    def __init__(self, database: Database, *, sealer: Sealer, log: AuditLog, clock: Clock, entropy: Entropy) -> None:
        self._database = database
        self._sealer = sealer
        self._log = log
        self._clock = clock
        self._entropy = entropy

    async def state(self, *, grant_id: str, patient: str) -> EmergencyState:
        """Return what was declared under a grant, seen from one citizen (pseudonym).

        Raises:
            RequestError: 503, the database does not answer.
        """
        try:
            async with self._database.reading() as connection:
                found = await connection.execute(
                    select(emergencies.c.patient, emergencies.c.ends_at).where(emergencies.c.grant_id == grant_id)
                )
                row = found.first()
        except SQLAlchemyError as error:
            raise later("emergencies_unavailable") from error
        if row is None:
            return "none"
        if row.patient != patient:
            return "elsewhere"
        return "open" if milliseconds(self._clock.now()) < row.ends_at else "ended"

    async def open(self, promised: Promised, *, reason: str) -> None:
        """Write down that the glass is broken, unless it is already, for this citizen.

        Raises:
            RequestError: 503, it could not be written, or another request of the grant opened another citizen meanwhile.
        """
        grant, now = promised.grant, self._clock.now()
        patient = promised.about.pseudonym or ""
        emergency = self._entropy.uuid()
        values = {
            "id": emergency,
            "subject": grant.subject,
            "grant_id": grant.grant_id,
            "patient": patient,
            "usecase": promised.asked.usecase.id,
            "peer_ura": grant.organization_ura or "",
            "peer_name": grant.organization_name or "",
            "user_id": grant.user_identifier or "",
            "user_name": grant.user_name or "",
            "user_role": grant.user_role or "",
            "reason_sealed": self._sealer.seal(reason.encode(), _place(emergency, "reason")),
            "opened_at": milliseconds(now),
            "ends_at": milliseconds(min(now + DURATION, grant.expires_at)),
            "lane": promised.receipt.lane,
            "seq": promised.receipt.seq,
        }
        insert = insert_or(emergencies, self._database.dialect).values(values)
        try:
            async with self._database.transaction() as connection:
                written = await connection.execute(insert.on_conflict_do_nothing(index_elements=["grant_id"]))
        except SQLAlchemyError as error:
            raise later("emergencies_unavailable") from error
        if written.rowcount == 1:
            logger.warning(
                "the glass was broken; to be reviewed",
                extra={"reference": emergency, "subject": grant.subject, "seq": promised.receipt.seq},
            )
        elif await self.state(grant_id=grant.grant_id, patient=patient) != "open":
            raise later("decision_unstable")

    async def listed(self, subject: str, *, reviewed: bool) -> Sequence[Emergency]:
        """Return the queue, oldest first; or what was reviewed, newest first. At most :data:`MAX_LISTED`."""
        order = emergencies.c.reviewed_at.desc() if reviewed else emergencies.c.opened_at
        condition = emergencies.c.reviewed_at.is_not(None) if reviewed else emergencies.c.reviewed_at.is_(None)
        async with self._database.reading() as connection:
            found = await connection.execute(
                select(emergencies).where(emergencies.c.subject == subject, condition).order_by(order).limit(MAX_LISTED)
            )
            return [self._opened(row) for row in found]

    async def review(self, subject: str, emergency: str, review: Review, *, caller: str) -> Emergency:
        """Judge an emergency, once. One that was not justified and still runs ends now.

        Raises:
            RequestError: 404 unknown, 409 judged before.
            AuditUnavailableError: it can not be recorded, and so does not count.
        """
        now = self._clock.now()
        is_this = (emergencies.c.subject == subject, emergencies.c.id == emergency)
        values: dict[str, Any] = {
            "reviewed_at": milliseconds(now),
            "reviewed_by": review.reviewer,
            "verdict": review.verdict,
            "note_sealed": self._sealer.seal(review.note.encode(), _place(emergency, "note")),
        }
        async with self._database.transaction() as connection:
            row = (await connection.execute(select(emergencies).where(*is_this))).first()
            if row is None:
                raise RequestError(
                    404,
                    "unknown_emergency",
                    "there is no such emergency",
                    "hazel emergency list",
                )
            if row.reviewed_at is not None:
                raise RequestError(
                    409, "reviewed", "this emergency was reviewed before", "hazel emergency list --reviewed"
                )
            ends_it = review.verdict == "not_justified" and row.ends_at > milliseconds(now)
            if ends_it:
                values["ends_at"] = milliseconds(now)
            await self._log.record(_record(self._opened(row), review, now=now, caller=caller))
            await connection.execute(update(emergencies).where(*is_this).values(values))
            staged = await self._log.stage_epoch(connection) if ends_it else None
            row = (await connection.execute(select(emergencies).where(*is_this))).one()
        if ends_it:
            await self._log.settle_epoch(staged)
        return self._opened(row)

    def _opened(self, row: Row[Any]) -> Emergency:
        reviewed = row.reviewed_at is not None
        return Emergency(
            id=row.id,
            subject=row.subject,
            grant_id=row.grant_id,
            patient=row.patient,
            usecase=row.usecase,
            peer_ura=row.peer_ura,
            peer_name=row.peer_name,
            user_id=row.user_id,
            user_name=row.user_name,
            user_role=row.user_role,
            reason=self._sealer.unseal(row.reason_sealed, _place(row.id, "reason")).decode(),
            opened_at=from_milliseconds(row.opened_at),
            ends_at=from_milliseconds(row.ends_at),
            lane=row.lane,
            seq=row.seq,
            reviewed_at=from_milliseconds(row.reviewed_at) if reviewed else None,
            reviewed_by=row.reviewed_by,
            verdict=cast("Verdict | None", row.verdict),
            note=self._sealer.unseal(row.note_sealed, _place(row.id, "note")).decode() if reviewed else None,
        )


def _record(emergency: Emergency, review: Review, *, now: datetime, caller: str) -> AuditRecord:
    """Return the record of a review: it stands in the citizen's report too."""
    return AuditRecord(
        kind="change",
        direction="local",
        subject=emergency.subject,
        at=now,
        decision="permit",
        code=f"emergency_{review.verdict}",
        usecase=emergency.usecase,
        patient=emergency.patient,
        peer_ura=emergency.peer_ura,
        peer_name=emergency.peer_name,
        interaction=f"review of the emergency of record {emergency.seq}",
        user_name=review.reviewer,
        user_evidence=f"stated by {caller}",
    )


def _place(emergency: str, part: str) -> bytes:
    return f"{part} of {emergency}".encode()
