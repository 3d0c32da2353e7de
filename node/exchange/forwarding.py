"""Asking our own FHIR server for a peer, and checking what it says (ARCHITECTURE §2, inbound, steps 6 and 7).

This is the one call to our FHIR servers on behalf of a peer, and it takes a :class:`Promised`: the receipt of a record that is on disk,
of a decision that permits. Facts about citizens are asked elsewhere (``facts.py``) and never leave.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from node.audit.log import Receipt
from node.exchange.about import About
from node.exchange.asked import Asked
from node.exchange.cursor import Cursor
from node.exchange.decide.question import Decision
from node.exchange.facts import FHIR_JSON, OwnServer
from node.exchange.refusal import later
from node.exchange.response import AnswerError, BrokenAnswerError, CheckedPage, MismatchError, check_page
from node.exchange.rooms import NoRoomError
from node.exchange.writing import Written, written_id
from node.oauth.grants import Grant
from node.ports import HttpClient, HttpRequest, HttpResponse, PeerError, Room
from node.usecases.identifiers import is_fhir_id
from node.usecases.model import FhirVersion
from node.usecases.plan import FORM_TYPE
from node.web.replies import RequestError

logger = logging.getLogger(__name__)

_NOT_OFFERED = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.NOT_IMPLEMENTED,
    }
)
"""What servers say to a search that they don't know, by type or by parameter (REAL.md, surprise 5)."""

_ETAG = re.compile(r'W/"[A-Za-z0-9.\-]{1,64}"\Z')
"""A version as FHIR writes it; what else a server puts there may show how it works inside."""

_UNAVAILABLE = "the answer is not available"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """A request that may go on: permitted, and promised to the audit log. Made in ``inbound.py`` only.

    Raises:
        ValueError: made of a decision that does not permit, or about nobody.
    """

    receipt: Receipt
    reference: str
    decision: Decision
    grant: Grant
    asked: Asked
    about: About
    version: FhirVersion

    def __post_init__(self) -> None:
        if not self.decision.permit or self.about.bsn is None or not self.about.records:
            raise ValueError("nothing was permitted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A checked page.

    Attributes:
        etag: as our server has it, for a read or write, where it is of FHIR's form.
        status: 200, or 201 for what was made new.
    """

    page: CheckedPage
    etag: str | None
    status: int = 200


class Forwarder:
    """Asks one organisation's own FHIR servers.

    Args:
        own: the client that may call them.
        timeout: seconds for one call; ``page_bytes`` the longest answer.
    """

    def __init__(
        self, own: HttpClient, servers: Mapping[FhirVersion, OwnServer], *, timeout: float, page_bytes: int
    ) -> None:
        self._own = own
        self._servers = servers
        self._timeout = timeout
        self._page_bytes = page_bytes

    async def fetch(self, promised: Promised, room: Room | None = None) -> Fetched:
        """Return the page, every resource of which belongs to the citizen and the step.

        Args:
            promised: what may be asked.
            room: where memory for the page comes from.

        Raises:
            RequestError: the server did not answer, or answered what must not leave; safe for the peer.
        """
        asked, about = promised.asked, promised.about
        server = self._servers[promised.version]
        answer = await self._send(server, asked, room)
        if asked.written is not None:
            return self._check_written(promised, server, asked.written, answer)
        if answer.status != HTTPStatus.OK:
            raise _no_answer(asked, answer.status)
        try:
            page = check_page(
                answer.body,
                step=asked.step,
                fhir_version=promised.version,
                patient_ids=about.records,
                bases=server.bases,
                bsn=about.bsn,
                read_id=asked.read_id,
                origin="own_server",
            )
        except AnswerError as error:
            raise _withheld(promised, error) from None  # what follows this error would hold the page
        etag = answer.headers.get("etag", "")
        return Fetched(page=page, etag=etag if page.kind == "resource" and _ETAG.match(etag) else None)

    def _check_written(self, promised: Promised, server: OwnServer, written: Written, answer: HttpResponse) -> Fetched:
        """Check what our server made of a write: the peer gets it as a read would show it."""
        if answer.status not in (HTTPStatus.OK, HTTPStatus.CREATED):
            raise _not_written(promised.asked, answer.status)
        resource_id = written.resource_id or written_id(answer.body)
        if not is_fhir_id(resource_id):
            raise _withheld(promised, BrokenAnswerError("no_id", "the server doesn't say what it made"))
        try:
            page = check_page(
                answer.body,
                step=written.step,
                fhir_version=promised.version,
                patient_ids=promised.about.records,
                bases=server.bases,
                bsn=promised.about.bsn,
                read_id=resource_id,
                origin="own_server",
            )
        except AnswerError as error:
            raise _withheld(promised, error) from None
        etag = answer.headers.get("etag", "")
        status = HTTPStatus.OK if written.resource_id else HTTPStatus.CREATED
        return Fetched(page=page, etag=etag if _ETAG.match(etag) else None, status=int(status))

    async def _send(self, server: OwnServer, asked: Asked, room: Room | None) -> HttpResponse:
        headers = {"Accept": FHIR_JSON}
        if asked.written is not None:
            headers |= {"Content-Type": FHIR_JSON, "Prefer": "return=representation"}
            headers |= {"If-Match": asked.written.if_match} if asked.written.if_match is not None else {}
        elif asked.body is not None:
            headers |= {"Content-Type": FORM_TYPE}
        try:
            return await self._own.send(
                HttpRequest(
                    method=asked.method,
                    url=f"{server.url}{'' if asked.target.startswith('?') else '/'}{asked.target}",
                    headers=headers,
                    body=asked.body,
                    max_bytes=self._page_bytes,
                    timeout=self._timeout,
                    room=room,
                )
            )
        except NoRoomError:
            logger.warning("no memory for another page")
            raise later("pages_full") from None
        except PeerError as error:
            logger.warning("our own FHIR server did not answer", extra={"code": error.code})
            if error.code == "busy":
                raise later("own_server_busy") from None
            raise RequestError(
                504 if error.code == "timeout" else 502, f"own_server_{error.code}", _UNAVAILABLE
            ) from None


def _no_answer(asked: Asked, status: int) -> RequestError:
    """Tell what isn't there, and what the server doesn't offer, from what went wrong."""
    if asked.read_id is not None and status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return RequestError(404, "gone", "not found")
    if asked.read_id is None and not isinstance(asked.patient, Cursor) and status in _NOT_OFFERED:
        logger.warning(
            "our own FHIR server does not offer a step of the use case",
            extra={"status": status, "usecase": asked.usecase.id, "step": asked.step.id},
        )
        return RequestError(501, f"own_server_{status}", "this is not offered here")
    logger.warning("our own FHIR server did not answer", extra={"status": status, "step": asked.step.id})
    return RequestError(502, f"own_server_{status}", _UNAVAILABLE)


def _not_written(asked: Asked, status: int) -> RequestError:
    """Tell a version that is not the newest, and a resource that our server refuses, from what went wrong."""
    logger.warning("our own FHIR server did not write", extra={"status": status, "step": asked.step.id})
    if status in (HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED):  # HAPI says the one for the other
        return RequestError(412, f"own_server_{status}", "the resource was changed meanwhile", "read it again")
    if status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
        return RequestError(422, f"own_server_{status}", "the resource was not accepted")
    if asked.read_id is not None and status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return RequestError(404, "gone", "not found")
    return RequestError(502, f"own_server_{status}", _UNAVAILABLE)


def _withheld(promised: Promised, error: AnswerError) -> RequestError:
    mismatch = isinstance(error, MismatchError)
    told = "ALARM: a page of our own FHIR server was withheld" if mismatch else "our own FHIR server answered wrongly"
    logger.error(
        told,
        extra={
            "subject": promised.grant.subject,
            "step": promised.asked.step.id,
            "code": error.code,
            "seq": promised.receipt.seq,
        },
    )
    return RequestError(502, f"{'withheld' if mismatch else 'own_server'}_{error.code}", _UNAVAILABLE)
