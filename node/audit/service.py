"""The audit log as its readers see it: search, one record, report, head, export, verification.

Reading the log is itself recorded (NEN 7513): a report or an opened record is written before it is given, and when that fails
the answer is no.
"""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from credentials.encoding import b64_decode
from credentials.errors import MalformedError
from credentials.keys import KeyId, PublicKey
from node.audit.asking import ReportRequest, User, parse_search
from node.audit.chain import ChainReport
from node.audit.entry import sealed_place
from node.audit.export import export_lines
from node.audit.fhir import Site, audit_event
from node.audit.head import HeadKeeper, SignedHead
from node.audit.log import AuditLog
from node.audit.record import AuditRecord
from node.audit.report import MAX_ENTRIES, AccessReport, ReportedAccess
from node.audit.seal import Sealer, SealError
from node.audit.search import MAX_COUNT, AuditQuestion, AuditReader, Found, Page
from node.audit.verify import verify_log
from node.ports import Clock
from node.web.replies import RequestError

logger = logging.getLogger(__name__)

Sites = Callable[[str], Awaitable[Site]]
PublicKeys = Callable[[], Awaitable[Mapping[KeyId, PublicKey]]]


class AuditService:
    """Answers questions about the log of one node.

    Args:
        log: where readings are recorded.
        reader: what is read.
        heads: signs the chain's head.
        keys: returns the organisation's public keys, present and former.
        sites: subject name to who that is.
        sealer: the one that sealed the records.
        pseudonym_secret: the vault's ``pseudonym``.
    """

    def __init__(
        self,
        *,
        log: AuditLog,
        reader: AuditReader,
        heads: HeadKeeper,
        keys: PublicKeys,
        sites: Sites,
        sealer: Sealer,
        pseudonym_secret: bytes,
        clock: Clock,
    ) -> None:
        self._log = log
        self._reader = reader
        self._heads = heads
        self._keys = keys
        self._sites = sites
        self._sealer = sealer
        self._secret = pseudonym_secret
        self._clock = clock

    async def search(self, subject: str, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Answer ``GET …/{subject}`` and ``POST …/{subject}/_search``: a Bundle of AuditEvents, newest first.

        Raises:
            RequestError: 400 for a parameter we don't take.
        """
        question = parse_search(subject, pairs, self._secret)
        page = await self._reader.find(question)
        site = await self._sites(subject)
        return _search_bundle(question, page, site)

    async def entry(self, subject: str, seq: int, lane: str | None, user: User, caller: str) -> dict[str, Any]:
        """Answer for one record, with its query and reason opened; who opened it is recorded first.

        Raises:
            RequestError: 404 when this organisation has no such record.
        """
        page = await self._reader.find(AuditQuestion(subject=subject, seq=seq, lane=lane, count=1))
        if not page.entries:
            raise RequestError(404, "unknown_record", "there is no such record", "numbers of outcomes are not records")
        found = page.entries[0]
        await self._record_reading(
            subject, found.body.get("patient"), user, caller, f"read audit record {found.lane} {seq}"
        )
        return audit_event(found, await self._sites(subject), self.details(found))

    async def report(self, subject: str, asked: object, caller: str) -> AccessReport:
        """Make a citizen's access report; that it was made is recorded first.

        Args:
            subject: whose log.
            asked: JSON body.
            caller: name of the program that asks.

        Raises:
            RequestError: 400 for a body we don't take.
            AuditUnavailableError: it can not be recorded, so it is not given.
        """
        request = ReportRequest.parse(asked, self._secret)
        await self._record_reading(subject, request.patient, request.user, caller, "read access report")
        question = AuditQuestion(
            subject=subject, patient=request.patient, since=request.since, until=request.until, count=MAX_COUNT
        )
        accesses: list[ReportedAccess] = []
        while True:
            page = await self._reader.find(question)
            accesses += [
                ReportedAccess(found=found, reason=self.details(found).get("reason")) for found in page.entries
            ]
            if page.following is None or len(accesses) >= MAX_ENTRIES:
                break
            question = replace(question, cursor=page.following)
        return AccessReport(
            site=await self._sites(subject),
            since=request.since,
            until=request.until,
            made_at=self._clock.now(),
            accesses=accesses[:MAX_ENTRIES],
            is_complete=page.following is None and len(accesses) <= MAX_ENTRIES,
        )

    async def head(self) -> SignedHead:
        """Return a signed head that covers everything so far.

        Raises:
            RequestError: 404 while nothing was ever written.
            AuditUnavailableError: it can not be kept.
        """
        head = await self._heads.sign()
        if head is None:
            raise RequestError(404, "empty_log", "nothing was recorded yet")
        return head

    async def export(
        self, subject: str, since: datetime | None, until: datetime | None, caller: str
    ) -> AsyncIterator[bytes]:
        """Return the lines of an export; that it was made is recorded first."""
        await self._record_reading(subject, None, User(), caller, "export audit log")
        latest = await self._heads.sign()
        return export_lines(self._reader, subject, since=since, until=until, latest=latest)

    async def verify(self) -> ChainReport:
        """Verify the whole log while it runs."""
        await self._heads.sign()
        return await verify_log(self._reader, await self._keys())

    def details(self, found: Found) -> dict[str, str]:
        """Open the sealed details of a record; nothing when there are none or they don't open (verification says why)."""
        sealed = found.body.get("sealed")
        if not isinstance(sealed, str):
            return {}
        place = sealed_place(str(found.body["subject"]), found.at, found.body.get("patient"))
        try:
            opened = json.loads(self._sealer.unseal(b64_decode(sealed), place))
        except (SealError, MalformedError, ValueError):
            logger.warning("details of an audit record do not open", extra={"lane": found.lane, "seq": found.seq})
            return {}
        return {str(name): str(text) for name, text in opened.items()}

    async def _record_reading(self, subject: str, patient: str | None, user: User, caller: str, what: str) -> None:
        await self._log.record(
            AuditRecord(
                kind="report",
                direction="local",
                subject=subject,
                at=self._clock.now(),
                decision="permit",
                code="log_read",
                patient=patient,
                interaction=what,
                user_id=user.identifier,
                user_name=user.name,
                user_role=user.role,
                user_evidence=f"stated by {caller}" if user != User() else f"caller {caller}",
            )
        )


def _search_bundle(question: AuditQuestion, page: Page, site: Site) -> dict[str, Any]:
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    if page.following is not None:
        # the pseudonym stands in for whatever identified the citizen: links are addresses
        following = {
            "from": _text(question.since), "to": _text(question.until), "patient-id": question.patient, "peer": question.peer,
            "outcome": question.outcome, "_count": str(question.count), "_cursor": page.following.to_text(),
        }  # fmt: skip
        query = urlencode({name: value for name, value in following.items() if value is not None})
        bundle["link"] = [{"relation": "next", "url": f"/internal/audit/v1/{question.subject}?{query}"}]
    if page.entries:
        bundle["entry"] = [
            {
                "fullUrl": f"urn:hazel:audit:{found.lane}:{found.seq}",
                "resource": audit_event(found, site),
                "search": {"mode": "match"},
            }
            for found in page.entries
        ]
    return bundle


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment is not None else None
