"""Asking one holder: log in, find the patient, ask step by step, check every page, record every query.

What goes wrong at a holder ends as one :class:`StepError` with the state of API.md §2; nothing of its answer is quoted. A query is
promised to the audit log before it is sent, and an answer is emitted only after its whole page was checked.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from node.exchange.session import MAX_STEP_BYTES, Kept, SessionMemory, Whose
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
    memory: SessionMemory


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One request on its way: the step's own, or a page that the holder says follows."""

    step: Step
    request: FhirRequest
    method: str
    target: str
    body: bytes | None
    following: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A checked page, and how many bytes it was."""

    checked: CheckedPage
    size: int


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
        own, limit = exchange.usecase.step_deadline_ms, means.limits.step
        self._step_seconds = limit if own is None else min(own / 1000, limit)
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
            with means.health.call(server, urgent=self._exchange.urgent, at_once=self._exchange.urgent) as call:
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
            async with deadline(means.world.clock, self._step_seconds):
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
        await self.ask(step, plan_step(step, self.bindings))
        if not self.bindings.get("patient"):
            raise StepError("not_available", "no_match")

    async def ask(self, step: Step, requests: Sequence[FhirRequest]) -> None:
        """Ask one step, all its pages; counts and emits what came, page by page.

        What this person was shown a moment ago comes from memory.
        """
        memory, whose = self._means.memory, self.whose
        name = "\n".join((step.id, *(request.target for request in requests)))
        kept = memory.step(whose, name) if self._exchange.reuses else None
        if kept is not None:
            await self._tell_again(step, kept)
            return
        before = self._exchange.counts[self.holder.ura, step.id]
        fetched: list[Fetched] = []
        bound: dict[str, tuple[str, ...]] = {}
        size = 0
        for request in requests:
            async for page in self._pages(step, request):
                size += page.size
                found = self._fetched(step, page.checked)
                if size <= MAX_STEP_BYTES:
                    fetched += found
                    self._bind(bound, page.checked.bound)
                else:  # too much to remember: no page is kept for it
                    fetched.clear()
                await self._take(step, page.checked.count, page.checked.bound, found)
        if self._exchange.remembers and size <= MAX_STEP_BYTES and (fetched or not step.is_match):
            count = self._exchange.counts[self.holder.ura, step.id] - before
            memory.keep(whose, name, fetched=tuple(fetched), count=count, bound=bound, pages=size)

    @property
    def whose(self) -> Whose:
        """Whose memory what comes back here belongs to."""
        exchange = self._exchange
        return Whose(
            subject=exchange.subject,
            user=self._user.identifier,
            role=self._user.role,
            purpose=exchange.question.purpose,
            patient=self._patient,
            usecase=f"{exchange.usecase.id} {exchange.usecase.version}",
            table=self.holder.table.id,
            holder=self.holder.ura,
            base=self.holder.base,
        )

    async def _tell_again(self, step: Step, kept: Kept) -> None:
        """Give what was fetched before; looking at it is recorded as asking for it was."""
        request = FhirRequest(method="GET", path=step.resource_type)
        receipt = await self._promise(step, request, "GET", code="from_memory")
        self._exchange.recalled.add((self.holder.ura, step.id))
        await self._take(step, kept.count, kept.bound, kept.fetched)
        state = "ok" if kept.count else "none_recorded"
        self._end(receipt, state, None, kept.count, self._means.world.clock.monotonic())

    async def _take(
        self, step: Step, count: int, bound: Mapping[str, tuple[str, ...]], found: Sequence[Fetched]
    ) -> None:
        exchange = self._exchange
        exchange.counts[self.holder.ura, step.id] += count
        self._bind(self.bindings, bound)
        if exchange.shows(step.id, is_match=step.is_match):
            for one in found:
                exchange.compare(one)
                await exchange.lines.put(Resource(fetched=one))

    @staticmethod
    def _bind(bindings: dict[str, tuple[str, ...]], bound: Mapping[str, tuple[str, ...]]) -> None:
        for name, ids in bound.items():
            bindings[name] = tuple(dict.fromkeys((*bindings.get(name, ()), *ids)))

    async def _pages(self, step: Step, request: FhirRequest) -> AsyncIterator[Page]:
        """Yield the checked pages of one query, up to the bound of its step."""
        query = Query(
            step=step,
            request=request,
            method=request.method,
            target=request.target,
            body=request.body,
            following=False,
        )
        seen = set[str]()
        for _ in range(step.max_pages):
            page = await self.page(query)
            yield page
            if page.checked.next_link is None:
                return
            if page.checked.next_link in seen:  # round in a circle: everything on it was passed on before
                raise StepError("failed", "paging_loop")
            seen.add(page.checked.next_link)
            query = Query(
                step=step, request=request, method="GET", target=page.checked.next_link, body=None, following=True
            )
        raise StepError("failed", "too_many_pages")

    async def page(self, query: Query) -> Page:
        """Ask for one page, in the room that there is at this holder."""
        async with self._room:
            return await self._page(query)

    async def _promise(self, step: Step, request: FhirRequest, method: str, *, code: str = "asked") -> Receipt:
        record = request_record(
            self._exchange,
            self.holder,
            step,
            request,
            method=method,
            patient=self._patient,
            now=self._means.world.clock.now(),
            code=code,
        )
        receipt = await self._means.audit.promise(record)
        self._exchange.audit.append(receipt.seq)
        return receipt

    async def _page(self, query: Query) -> Page:
        """Ask for one page: promised before it is sent, its outcome recorded whatever happens."""
        started = self._means.world.clock.monotonic()
        receipt = await self._promise(query.step, query.request, query.method)
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
            return Page(checked=page, size=len(answer.body))
        finally:
            self._end(receipt, state, status, count, started)

    async def _send(self, query: Query) -> HttpResponse:
        """Send it; with a fresh token where the holder no longer takes this one."""
        token = await self._logged_in()
        until = self._means.world.clock.monotonic() + self._step_seconds
        answer = await self._send_with(token, query, until)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        return await self._send_with(await self._renewed(token), query, until)

    async def _send_with(self, token: PeerToken, query: Query, until: float) -> HttpResponse:
        """Send it until there is an answer that stands: a connection that broke, or a wish to be asked later, gets one more try."""
        sent = 0
        while True:
            try:
                urgent = self._exchange.urgent
                with self._means.health.call(self.holder.base, urgent=urgent, at_once=urgent and not sent) as call:
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
            assert self._token is not None  # log_in raises otherwise
            return self._token

    async def _logged_in(self) -> PeerToken:
        """Return our token; where the patient came from memory there is none yet."""
        if self._token is None:
            async with self._renewing:
                if self._token is None:
                    await self.log_in()
        assert self._token is not None  # log_in raises otherwise
        return self._token

    async def _send_once(self, token: PeerToken, query: Query, until: float, call: Call) -> HttpResponse:
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
            timeout=min(left, self._step_seconds),
        )
        try:
            answer = await world.peers.send(request)
            if token.is_challenged(url, answer):  # it wants a nonce in the proof (RFC 9449 §9)
                jti = b64url_encode(world.entropy.token(JTI_BYTES))
                proof = await self._proof(token, query.method, url, jti)
                answer = await world.peers.send(replace(request, headers={**headers, **proof}))
        except PeerError as error:
            if error.code in ("unreachable", "timeout"):
                call.failed()
            raise
        (call.failed if answer.status in _AWAY else call.answered)()
        wait = _asks_to_wait(answer, world.clock.now())
        if wait is not None:
            call.asked_to_wait(wait)
        return answer

    def _check(self, query: Query, answer: HttpResponse) -> CheckedPage:
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

    def _fetched(self, step: Step, page: CheckedPage) -> list[Fetched]:
        now = self._means.world.clock.now()
        found = []
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
            found.append(Fetched(step=step.id, fhir_version=self.holder.version, resource=resource, lineage=lineage))
        return found

    def _end(self, receipt: Receipt, state: str, status: int | None, count: int, started: float) -> None:
        ms = int((self._means.world.clock.monotonic() - started) * 1000)
        self._means.audit.outcome(receipt, Outcome(state=state, status=status, count=count, ms=ms))


def _asks_to_wait(answer: HttpResponse, now: datetime) -> float | None:
    """Return the seconds after which the holder wants to be asked again, if that is what it says."""
    return retry_after(answer.headers, now) if answer.status in _WAIT else None
