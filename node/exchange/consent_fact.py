"""What a citizen recorded here, as a fact for the decision."""

import logging
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from node.audit.seal import SealError
from node.consent.book import ConsentBook
from node.consent.decide import Requester, decide
from node.exchange.decide.question import ConsentFact

logger = logging.getLogger(__name__)


class LocalConsents:
    """Consents that lie in our own store (:class:`node.exchange.ports.Consents`)."""

    def __init__(self, book: ConsentBook) -> None:
        self._book = book

    async def verdict(
        self, *, subject: str, patient: str, ura: str, facility_type: str | None, category: str, now: datetime
    ) -> ConsentFact:
        """Return what the citizen recorded; what can not be read counts as an objection, since it may be one."""
        try:
            consents = await self._book.for_patient(subject, patient)
        except (SealError, SQLAlchemyError) as error:
            logger.error(
                "consents can not be read; refusing", extra={"subject": subject, "error": type(error).__name__}
            )
            return ConsentFact(
                verdict="deny", code="consent_unreadable", message="The recorded consents can't be read."
            )
        found = decide(consents, Requester(ura=ura, facility_type=facility_type), category=category, now=now)
        return ConsentFact(
            verdict="none" if found.outcome == "not_applicable" else found.outcome,
            code=found.code,
            message=found.message,
            evidence=found.evidence,
        )
