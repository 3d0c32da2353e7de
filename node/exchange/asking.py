"""Asking one holder: log in, find the patient, ask step by step, check every page, record every query.

What goes wrong at a holder ends as one :class:`StepError` with the state of API.md §2; nothing of its answer is quoted. A query is
promised to the audit log before it is sent, and an answer is emitted only after its whole page was checked.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from credentials.encoding import b64url_encode
from node.audit.log import AuditLog, Receipt
from node.audit.pseudonym import pseudonym
from node.audit.record import AuditRecord, Outcome
from node.exchange.events import Event, Resource, State
from node.exchange.facts import FHIR_JSON
from node.exchange.merge import Fetched, Missing, lineage_of
from node.exchange.question import Question
from node.exchange.references import Bases
from node.exchange.response import AnswerError, CheckedPage, MismatchError, check_page
from node.oauth.requester import PeerToken, TokenRefusedError, TokenRequester
from node.oauth.user import User
from node.ports import HttpRequest, HttpResponse, KeyVault, PeerError, World
from node.usecases.model import FhirVersion, Step, Table, UseCase
from node.usecases.plan import FORM_TYPE, FhirRequest, plan_step
from registry.localisation import FoundBy

logger = logging.getLogger(__name__)

JTI_BYTES = 32

_OF_PEER: Mapping[str, State] = {
    "timeout": "timeout",
    "unreachable": "unreachable",
    "refused_address": "unreachable",
    "tls": "unreachable",
}
_OF_TOKEN: Mapping[str, State] = {
    "refused": "not_available",
    "no_match": "not_available",
    "unreachable": "unreachable",
    "timeout": "timeout",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much and how long; seconds."""

    step: float
    question: float
    queries_per_peer: int
    page_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What asking needs."""

    world: World
    vault: KeyVault
    tokens: TokenRequester
    audit: AuditLog
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One organisation that is asked."""

    ura: str
    name: str
    table: Table
    base: str
    authorization_server: str
    found_by: FoundBy

    @property
    def version(self) -> FhirVersion:
        """FHIR version in which it is asked."""
        return self.table.fhir_version


class StepError(Exception):
    """A step ended without its answer."""

    def __init__(self, state: State, reason: str) -> None:
        super().__init__(reason)
        self.state: State = state
        self.reason = reason


@dataclass(slots=True)
class Exchange:
    """One question while it is being asked."""

    id: str
    subject: str
    usecase: UseCase
    question: Question
    started: float
    lines: asyncio.Queue[Event | None]
    missing: list[Missing] = field(default_factory=list)
    open: dict[tuple[str, str | None], Holder] = field(default_factory=dict)
    audit: list[int] = field(default_factory=list)
    error: tuple[str, str] | None = None


class Asking:
    """Asking one holder: its token, what was bound so far, and its limit on queries at the same time.

    Attributes:
        bindings: name to values, as checked pages gave them.
    """

    def __init__(self, means: Means, exchange: Exchange, holder: Holder) -> None:
        self.holder = holder
        self.bindings: dict[str, tuple[str, ...]] = {"bsn": (exchange.question.patient.value,)}
        self._means = means
        self._exchange = exchange
        self._token: PeerToken | None = None
        self._bases = Bases.of([holder.base])
        self._room = asyncio.Semaphore(means.limits.queries_per_peer)
        asker = exchange.question.user
        self._user = User(identifier=asker.identifier, name=asker.name, role=asker.role)
        self._patient = pseudonym(means.vault.secret("pseudonym"), exchange.question.patient.value)

    async def log_in(self, *, fresh: bool = False) -> None:
        """Get a token of the holder."""
        means = self._means
        try:
            async with asyncio.timeout(means.limits.step):
                self._token = await means.tokens.token(
                    self._exchange.subject,
                    authorization_server=self.holder.authorization_server,
                    scope=self._exchange.usecase.wire_scope,
                    user=self._user,
                    fresh=fresh,
                )
        except TimeoutError as error:
            raise StepError("timeout", "token") from error
        except TokenRefusedError as error:
            reason = "refused" if error.code == "refused" else f"token_{error.code}"
            raise StepError(_OF_TOKEN.get(error.code, "failed"), reason) from error

    async def match(self) -> None:
        """Find the patient at the holder."""
        step = self.holder.table.match
        for request in plan_step(step, self.bindings):
            await self.fetch(step, request)
        if not self.bindings.get("patient"):
            raise StepError("not_available", "no_match")

    async def fetch(self, step: Step, request: FhirRequest) -> int:
        """Ask one query, all its pages; emits the resources and returns how many matched."""
        count, pages = 0, 0
        target: str | None = request.target
        method, body = request.method, request.body
        while target is not None:
            async with self._room:
                page = await self._page(step, request, method, target, body)
            pages += 1
            count += page.count
            for name, ids in page.bound.items():
                self.bindings[name] = tuple(dict.fromkeys((*self.bindings.get(name, ()), *ids)))
            target, method, body = page.next_link, "GET", None
            if target is not None and pages >= step.max_pages:
                raise StepError("failed", "too_many_pages")
        return count

    async def _page(
        self, step: Step, request: FhirRequest, method: str, target: str, body: bytes | None
    ) -> CheckedPage:
        means = self._means
        started = means.world.clock.monotonic()
        receipt = await means.audit.promise(self._record(step, request, method))
        self._exchange.audit.append(receipt.seq)
        try:
            answer = await self._send(method, target, body)
            page = self._check(step, request, answer)
        except StepError as error:
            self._end(receipt, error.state, None, 0, started)
            raise
        except BaseException:
            self._end(receipt, "cut_off", None, 0, started)
            raise
        self._end(receipt, "ok" if page.count else "none_recorded", answer.status, page.count, started)
        if not step.is_match:
            await self._emit(step, page)
        return page

    async def _send(self, method: str, target: str, body: bytes | None) -> HttpResponse:
        url = f"{self.holder.base}{'' if target.startswith('?') else '/'}{target}"
        for attempt in (1, 2):
            answer = await self._send_once(method, url, body)
            if answer.status == HTTPStatus.UNAUTHORIZED and attempt == 1:
                await self.log_in(fresh=True)  # the holder may have ended the token, or was restored
                continue
            return answer
        raise AssertionError  # the second answer is returned

    async def _send_once(self, method: str, url: str, body: bytes | None) -> HttpResponse:
        means, world = self._means, self._means.world
        assert self._token is not None  # log_in came first
        headers = {
            "Accept": FHIR_JSON,
            "Purpose-Of-Use": self._exchange.question.purpose,
            **self._token.headers(method, url, world.clock.now(), b64url_encode(world.entropy.token(JTI_BYTES))),
        }
        if body is not None:
            headers["Content-Type"] = FORM_TYPE
        glass = self._exchange.question.break_glass
        if glass is not None:
            headers["Break-The-Glass"] = b64url_encode(glass.reason.encode())
        try:
            return await world.peers.send(
                HttpRequest(
                    method=method,
                    url=url,
                    headers=headers,
                    body=body,
                    max_bytes=means.limits.page_bytes,
                    timeout=means.limits.step,
                )
            )
        except PeerError as error:
            raise StepError(_OF_PEER.get(error.code, "failed"), error.code) from error

    def _check(self, step: Step, request: FhirRequest, answer: HttpResponse) -> CheckedPage:
        if answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise StepError("not_available", "refused")
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise StepError("failed", "throttled")
        if answer.status == HTTPStatus.GATEWAY_TIMEOUT:
            raise StepError("timeout", "holder_timeout")
        if answer.status != HTTPStatus.OK:
            raise StepError("failed", f"status_{answer.status}")
        try:
            return check_page(
                answer.body,
                step=step,
                fhir_version=self.holder.version,
                patient_ids=frozenset(self.bindings.get("patient", ())),
                bases=self._bases,
                bsn=self._exchange.question.patient.value,
                read_id=request.path.partition("/")[2] if step.kind == "read" else None,
                origin="peer",
            )
        except AnswerError as error:
            mismatch = isinstance(error, MismatchError)
            if mismatch:
                logger.error(  # an alarm, without the trace that would hold the page
                    "ALARM: a peer's answer did not belong to the question and was dropped",
                    extra={"peer": self.holder.ura, "step": step.id, "code": error.code, "exchange": self._exchange.id},
                )
            raise StepError("mismatch" if mismatch else "failed", error.code) from error

    async def _emit(self, step: Step, page: CheckedPage) -> None:
        now = self._means.world.clock.now()
        for resource in page.resources:
            if resource.mode == "outcome":
                continue
            lineage = lineage_of(
                resource,
                holder_ura=self.holder.ura,
                holder_name=self.holder.name,
                endpoint=self.holder.base,
                fetched_at=now,
            )
            fetched = Fetched(step=step.id, fhir_version=self.holder.version, resource=resource, lineage=lineage)
            await self._exchange.lines.put(Resource(fetched=fetched))

    def _record(self, step: Step, request: FhirRequest, method: str) -> AuditRecord:
        exchange, holder = self._exchange, self.holder
        user = exchange.question.user
        parameters = "&".join(f"{name}={value}" for name, value in (*request.query, *request.form))
        return AuditRecord(
            kind="request",
            direction="outbound",
            subject=exchange.subject,
            at=self._means.world.clock.now(),
            usecase=exchange.usecase.id,
            step=step.id,
            purpose=exchange.question.purpose,
            patient=self._patient,
            peer_ura=holder.ura,
            peer_name=holder.name,
            user_id=user.identifier,
            user_name=user.name,
            user_role=user.role,
            user_evidence="stated by caller",
            interaction=f"{'read' if step.kind == 'read' else 'search'} {step.resource_type}",
            query=f"{method} {request.path}?{parameters}" if parameters else f"{method} {request.path}",
            reason=exchange.question.break_glass.reason if exchange.question.break_glass is not None else None,
            decision="permit",
            code="asked",
            exchange_id=exchange.id,
        )

    def _end(self, receipt: Receipt, state: str, status: int | None, count: int, started: float) -> None:
        ms = int((self._means.world.clock.monotonic() - started) * 1000)
        self._means.audit.outcome(receipt, Outcome(state=state, status=status, count=count, ms=ms))
