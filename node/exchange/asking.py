"""Asking one holder: log in, find the patient, ask step by step, check every page, record every query.

What goes wrong at a holder ends as one :class:`StepError` with the state of API.md §2; nothing of its answer is quoted. A query is
promised to the audit log before it is sent, and an answer is emitted only after its whole page was checked.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from credentials.encoding import b64url_encode
from node.audit.log import AuditLog, Receipt
from node.audit.pseudonym import pseudonym
from node.audit.record import Outcome
from node.exchange.deadline import deadline
from node.exchange.events import Resource, State
from node.exchange.facts import FHIR_JSON
from node.exchange.merge import Fetched, lineage_of
from node.exchange.outbound_record import request_record
from node.exchange.peer_answer import read_answer
from node.exchange.peer_health import Call, NotNowError, PeerHealth, retry_after
from node.exchange.ports import Tokens
from node.exchange.references import Bases
from node.exchange.response import CheckedPage
from node.exchange.under_way import Exchange, Holder, StepError
from node.keys.errors import VaultError
from node.oauth.errors import TokenRefusedError
from node.oauth.peer_token import PeerToken
from node.oauth.user import User
from node.ports import HttpRequest, HttpResponse, KeyVault, PeerError, World
from node.usecases.model import Step
from node.usecases.plan import FORM_TYPE, FhirRequest, plan_step

logger = logging.getLogger(__name__)

JTI_BYTES = 32
ATTEMPTS = 2
"""A query reads and nothing else, so it may be sent again; once, and within its own time."""

_AWAY = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
"""What a proxy says for a server that is not there."""
_WAIT = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
"""Answers that may carry ``Retry-After``."""

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
    tokens: Tokens
    audit: AuditLog
    limits: Limits
    health: PeerHealth


@dataclass(frozen=True, slots=True, kw_only=True)
class _Query:
    """One request on its way: the step's own, or a page that the holder says follows."""

    step: Step
    request: FhirRequest
    method: str
    target: str
    body: bytes | None
    following: bool


class Asking:
    """Asking one holder: its token, and what was bound so far.

    Args:
        room: limits the queries at this holder at the same time.

    Attributes:
        bindings: name to values, as checked pages gave them.
    """

    def __init__(self, means: Means, exchange: Exchange, holder: Holder, room: asyncio.Semaphore) -> None:
        self.holder = holder
        self.bindings: dict[str, tuple[str, ...]] = {"bsn": (exchange.question.patient.value,)}
        self._means = means
        self._exchange = exchange
        self._room = room
        self._token: PeerToken | None = None
        self._renewing = asyncio.Lock()
        self._bases = Bases.of([holder.base])
        asker = exchange.question.user
        self._user = User(identifier=asker.identifier, name=asker.name, role=asker.role)
        self._patient = pseudonym(means.vault.secret("pseudonym"), exchange.question.patient.value)

    async def log_in(self, *, fresh: bool = False) -> None:
        """Get a token of the holder."""
        means = self._means
        server = self.holder.authorization_server
        try:
            with means.health.call(server, urgent=self._exchange.urgent) as call:
                self._token = await self._ask_token(call, server, fresh=fresh)
        except NotNowError as error:
            raise StepError("unreachable", error.reason) from error
        except TokenRefusedError as error:
            reason = "refused" if error.code == "refused" else f"token_{error.code}"
            raise StepError(_OF_TOKEN.get(error.code, "failed"), reason) from error
        except VaultError as error:
            raise StepError("failed", "vault_away") from error

    async def _ask_token(self, call: Call, server: str, *, fresh: bool) -> PeerToken:
        means = self._means
        try:
            async with deadline(means.world.clock, means.limits.step):
                token = await means.tokens.token(
                    self._exchange.subject,
                    authorization_server=server,
                    scope=self._exchange.usecase.wire_scope,
                    user=self._user,
                    fresh=fresh,
                )
        except TimeoutError as error:
            call.failed()
            raise StepError("timeout", "token") from error
        except TokenRefusedError as error:
            (call.failed if error.code in ("unreachable", "timeout") else call.answered)()
            raise
        call.answered()
        return token

    async def match(self) -> None:
        """Find the patient at the holder."""
        step = self.holder.table.match
        for request in plan_step(step, self.bindings):
            await self.fetch(step, request)
        if not self.bindings.get("patient"):
            raise StepError("not_available", "no_match")

    async def fetch(self, step: Step, request: FhirRequest) -> None:
        """Ask one query, all its pages; counts and emits what came, page by page."""
        query: _Query | None = _Query(
            step=step,
            request=request,
            method=request.method,
            target=request.target,
            body=request.body,
            following=False,
        )
        pages = 0
        while query is not None:
            if pages == step.max_pages:
                raise StepError("failed", "too_many_pages")
            async with self._room:
                page = await self._page(query)
            pages += 1
            self._exchange.counts[self.holder.ura, step.id] += page.count
            for name, ids in page.bound.items():
                self.bindings[name] = tuple(dict.fromkeys((*self.bindings.get(name, ()), *ids)))
            if self._exchange.shows(step.id, is_match=step.is_match):
                await self._emit(step, page)
            query = None
            if page.next_link is not None:
                query = _Query(
                    step=step, request=request, method="GET", target=page.next_link, body=None, following=True
                )

    async def _page(self, query: _Query) -> CheckedPage:
        """Ask for one page: promised before it is sent, its outcome recorded whatever happens."""
        started = self._means.world.clock.monotonic()
        record = request_record(
            self._exchange,
            self.holder,
            query.step,
            query.request,
            method=query.method,
            patient=self._patient,
            now=self._means.world.clock.now(),
        )
        receipt = await self._means.audit.promise(record)
        self._exchange.audit.append(receipt.seq)
        state, status, count = "failed", None, 0
        try:
            answer = await self._send(query)
            status = answer.status
            page = self._check(query, answer)
            state, count = ("ok" if page.count else "none_recorded"), page.count
        except StepError as error:
            state = error.state
            raise
        except asyncio.CancelledError:
            state = "cut_off"
            raise
        else:
            return page
        finally:
            self._end(receipt, state, status, count, started)

    async def _send(self, query: _Query) -> HttpResponse:
        """Send it; with a fresh token where the holder no longer takes this one."""
        until = self._means.world.clock.monotonic() + self._means.limits.step
        token = self._logged_in()
        answer = await self._send_with(token, query, until)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        return await self._send_with(await self._renewed(token), query, until)

    async def _send_with(self, token: PeerToken, query: _Query, until: float) -> HttpResponse:
        """Send it until there is an answer that stands: a connection that broke, or a wish to be asked later, gets one more try."""
        sent = 0
        while True:
            try:
                with self._means.health.call(self.holder.base, urgent=self._exchange.urgent) as call:
                    sent += 1
                    answer = await self._send_once(token, query, until, call)
            except NotNowError as error:
                if error.reason != "throttled":
                    raise StepError("unreachable", error.reason) from error
                await self._wait(error.seconds, until)
                continue
            except PeerError as error:
                if error.code == "unreachable" and sent < ATTEMPTS:
                    continue  # a connection kept open that the other side closed looks the same as a server that is away
                raise StepError(_OF_PEER.get(error.code, "failed"), error.code) from error
            if sent == ATTEMPTS or _asks_to_wait(answer, self._means.world.clock.now()) is None:
                return answer

    async def _wait(self, seconds: float, until: float) -> None:
        """Wait as the holder asked, if that leaves time for the answer."""
        clock = self._means.world.clock
        if clock.monotonic() + seconds >= until:
            raise StepError("failed", "throttled")
        await clock.sleep(seconds)

    async def _proof(self, token: PeerToken, method: str, url: str, jti: str) -> dict[str, str]:
        try:
            return await token.headers(method, url, self._means.world.clock.now(), jti)
        except VaultError as error:
            raise StepError("failed", "vault_away") from error

    async def _renewed(self, refused: PeerToken) -> PeerToken:
        """Return another token than the refused one; of steps that run side by side, one asks for it and the others use it."""
        async with self._renewing:
            if self._token is None or self._token is refused:
                await self.log_in(fresh=True)
            return self._logged_in()

    def _logged_in(self) -> PeerToken:
        assert self._token is not None  # log_in came first
        return self._token

    async def _send_once(self, token: PeerToken, query: _Query, until: float, call: Call) -> HttpResponse:
        world, limits = self._means.world, self._means.limits
        url = f"{self.holder.base}{'' if query.target.startswith('?') else '/'}{query.target}"
        jti = b64url_encode(world.entropy.token(JTI_BYTES))
        headers = {
            "Accept": FHIR_JSON,
            "Purpose-Of-Use": self._exchange.question.purpose,
            **await self._proof(token, query.method, url, jti),
        }
        if query.body is not None:
            headers["Content-Type"] = FORM_TYPE
        glass = self._exchange.question.break_glass
        if glass is not None:
            headers["Break-The-Glass"] = b64url_encode(glass.reason.encode())
        left = until - world.clock.monotonic()
        if left <= 0:
            raise StepError("timeout", "timeout")
        request = HttpRequest(
            method=query.method,
            url=url,
            headers=headers,
            body=query.body,
            max_bytes=limits.page_bytes,
            timeout=min(left, limits.step),
        )
        try:
            answer = await world.peers.send(request)
        except PeerError as error:
            if error.code in ("unreachable", "timeout"):
                call.failed()
            raise
        (call.failed if answer.status in _AWAY else call.answered)()
        wait = _asks_to_wait(answer, world.clock.now())
        if wait is not None:
            call.asked_to_wait(wait)
        return answer

    def _check(self, query: _Query, answer: HttpResponse) -> CheckedPage:
        step = query.step
        try:
            return read_answer(
                answer,
                step=step,
                fhir_version=self.holder.version,
                patient_ids=frozenset(self.bindings.get("patient", ())),
                bases=self._bases,
                bsn=self._exchange.question.patient.value,
                read_id=query.request.path.partition("/")[2] if step.kind == "read" else None,
                following=query.following,
            )
        except StepError as error:
            if error.state == "mismatch":
                logger.error(
                    "ALARM: a peer's answer did not belong to the question and was dropped",
                    extra={
                        "peer": self.holder.ura,
                        "step": step.id,
                        "code": error.reason,
                        "exchange": self._exchange.id,
                    },
                )
            raise

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

    def _end(self, receipt: Receipt, state: str, status: int | None, count: int, started: float) -> None:
        ms = int((self._means.world.clock.monotonic() - started) * 1000)
        self._means.audit.outcome(receipt, Outcome(state=state, status=status, count=count, ms=ms))


def _asks_to_wait(answer: HttpResponse, now: datetime) -> float | None:
    """Return the seconds after which the holder wants to be asked again, if that is what it says."""
    return retry_after(answer.headers, now) if answer.status in _WAIT else None
