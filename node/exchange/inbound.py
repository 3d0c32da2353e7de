"""A peer wants our data: one pass, no turning back (ARCHITECTURE §2, inbound).

Each step passes a narrower thing on, or refuses::

    1 who       token and proof          -> Caller        node.oauth.resource
    2 what      method, path, form       -> Interaction   interaction.py
                query table              -> _Asked        allowlist.py, cursor.py, named.py
    3 whom      our own Patient          -> _About        facts.py
    4 may it    rules                    -> Decision      decide/
    5 promise   one durable write        -> Receipt       node.audit
    6 forward   our own FHIR server      -> HttpResponse
    7 check     whole page or nothing    -> CheckedPage   response.py
    8 outcome   second row

There is one call to our FHIR servers for a peer (:meth:`EnforcementPoint._forward`), and it takes the receipt of the promise: no
path leads around the decision or the record. Refusals of callers who proved who they are are recorded; others are counted.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Literal, Protocol

from node.audit.log import AlreadyUsedError, AuditLog, AuditUnavailableError, Receipt, StaleDecisionError
from node.audit.pseudonym import pseudonym
from node.audit.record import AuditRecord, Outcome
from node.exchange.allowlist import AllowList, ByLogicalId, ByReference, BySearch
from node.exchange.capabilities import capability_statement
from node.exchange.cursor import NONCE_BYTES, Cursor, open_cursor, seal_cursor
from node.exchange.decide.engine import decide, refuse_early
from node.exchange.decide.question import (
    BreakGlass,
    CareTeamFact,
    ConsentFact,
    Decision,
    Facts,
    Question,
    Requester,
    User,
)
from node.exchange.facts import FHIR_JSON, FactsUnavailableError, OwnRecords, OwnServer
from node.exchange.interaction import CURSOR_PARAMETER, Interaction, NotAllowedError
from node.exchange.named import NamedFor, NamedResources
from node.exchange.outcome import REFERENCE_HEADER
from node.exchange.response import AnswerError, CheckedPage, MismatchError, check_page
from node.exchange.searchset import empty_searchset, write_resource, write_searchset
from node.oauth.grants import Grant
from node.oauth.refusals import RefusalCounter
from node.oauth.resource import CHALLENGE, Caller, LoginError, ResourceGuard
from node.ports import HttpRequest, HttpResponse, KeyVault, PeerError, World
from node.usecases.book import UseCaseBook
from node.usecases.model import FhirVersion, Step, Table, UseCase
from node.usecases.plan import FORM_TYPE, choose_table
from node.web.replies import RequestError
from registry.directory import Directory

logger = logging.getLogger(__name__)

PACE = 0.1
"""Seconds: refusals about a citizen leave at the next multiple of this, so that their reasons take equally long."""

DECISIONS = 3
"""How often a decision is made again because something was withdrawn meanwhile, before the answer is "later"."""

REFERENCE_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request as it came in; nothing about it is believed.

    Attributes:
        path: behind the FHIR base, percent-encoding as received.
        url: as the peer addressed it: public URL and path, for the proof.
        received: monotonic seconds.
    """

    subject: str
    version: FhirVersion
    method: str
    path: str
    query: str
    content_type: str | None
    body: bytes = field(repr=False)
    url: str
    authorization: str | None = field(repr=False)
    proof: str | None = field(repr=False)
    purpose: str | None = None
    break_glass: str | None = field(default=None, repr=False)
    address: str | None = None
    received: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back: FHIR JSON, whole."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)


class Registered(Protocol):
    """Who is registered where, as of now; from memory."""

    @property
    def directory(self) -> Directory:
        """Everybody who is registered in the services that we follow."""
        ...


class Consents(Protocol):
    """What citizens recorded here."""

    async def verdict(
        self, *, subject: str, patient: str, ura: str, facility_type: str | None, category: str, now: datetime
    ) -> ConsentFact:
        """Return what the citizen (by pseudonym) recorded about this requester and data category."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A request that the query table lists: what will be forwarded, and how it says whom it is about."""

    usecase: UseCase
    table: Table
    step: Step
    patient: BySearch | ByLogicalId | NamedFor | Cursor
    target: str
    method: Literal["GET", "POST"]
    body: bytes | None
    read_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _About:
    """Whom a request is about: the citizen and their records here; no records when we have none."""

    bsn: str | None
    records: frozenset[str]


class _Refusal(Exception):  # noqa: N818  # carries a decision to the one place that records it
    """A refusal on its way to the record: what was understood of the request, and why it is refused."""

    def __init__(
        self,
        *,
        decision: Decision | None,
        code: str,
        question: Question | None = None,
        about: _About | None = None,
    ) -> None:
        super().__init__(code)
        self.decision = decision
        self.code = code
        self.question = question
        self.about = about


class EnforcementPoint:
    """Answers peers for one organisation.

    Args:
        subject: the organisation hosted here; ``holder_type`` its Vektis code.
        public_url: of the node, for the addresses on pages that leave.
        own: our FHIR servers by version.
    """

    def __init__(
        self,
        *,
        world: World,
        vault: KeyVault,
        subject: str,
        holder_type: str,
        public_url: str,
        own: Mapping[FhirVersion, OwnServer],
        guard: ResourceGuard,
        usecases: UseCaseBook,
        registered: Registered,
        records: OwnRecords,
        consents: Consents,
        audit: AuditLog,
        counter: RefusalCounter,
        timeout: float,
        page_bytes: int,
    ) -> None:
        self._world = world
        self._vault = vault
        self._subject = subject
        self._holder_type = holder_type
        self._public_url = public_url
        self._own = own
        self._guard = guard
        self._usecases = usecases
        self._registered = registered
        self._records = records
        self._consents = consents
        self._audit = audit
        self._counter = counter
        self._timeout = timeout
        self._page_bytes = page_bytes
        self._named = NamedResources(vault.secret("grant"))
        self._allow = {(usecase.id, table.id): AllowList(table) for usecase in usecases.all for table in usecase.tables}

    @property
    def versions(self) -> tuple[FhirVersion, ...]:
        """FHIR versions in which we answer."""
        return tuple(self._own)

    def capabilities(self, version: FhirVersion) -> Reply:
        """Return what anybody may know: the use cases and the resource types that are asked through them."""
        return Reply(body=capability_statement(self._usecases.all, version, holder_type=self._holder_type))

    async def answer(self, incoming: Incoming) -> Reply:
        """Answer a peer's request.

        Raises:
            RequestError: refused, or not possible now; safe for the peer.
        """
        # (1) who
        try:
            caller = await self._guard.authenticate(
                authorization=incoming.authorization,
                dpop=incoming.proof,
                method=incoming.method,
                url=incoming.url,
                subject=incoming.subject,
            )
        except LoginError as error:
            self._counter.count(incoming.address, error.code)
            raise _login() from error
        interaction: Interaction | None = None
        for _ in range(DECISIONS):
            try:
                # (2) what
                interaction = interaction or _parse(incoming)
                return await self._serve(incoming, caller, interaction)
            except StaleDecisionError:
                continue  # something was taken away since we looked: look again
            except AlreadyUsedError as error:
                self._counter.count(incoming.address, "proof_replayed")
                raise _login() from error
            except AuditUnavailableError as error:
                logger.error("no data leaves: the audit log can not be written", extra={"subject": self._subject})
                raise _later("audit_unavailable") from error
            except _Refusal as refusal:
                return await self._refuse(incoming, caller, interaction, refusal)
        raise _later("decision_unstable")

    async def would_decide(
        self, grant: Grant, interaction: Interaction, purpose: str | None
    ) -> tuple[Decision | None, str]:
        """Return how a request of the holder of ``grant`` would be decided now; forwards and records nothing.

        Returns:
            The decision, ``None`` when the request is none that could be decided on, and its code.
        """
        now = self._world.clock.now()
        try:
            asked, question = self._ask(grant, interaction, purpose, None, now)
        except _Refusal as refusal:
            return refusal.decision, refusal.code
        about = await self._about(interaction.fhir_version, asked)
        decision = decide(question, await self._facts(interaction.fhir_version, question, about, now))
        return decision, decision.code

    async def _serve(self, incoming: Incoming, caller: Caller, interaction: Interaction) -> Reply:
        now = self._world.clock.now()
        epoch = self._audit.current_epoch()
        asked, question = self._ask(caller.grant, interaction, incoming.purpose, incoming.break_glass, now)
        # (3) whom
        about = await self._about(incoming.version, asked)
        # (4) may it
        decision = decide(question, await self._facts(incoming.version, question, about, now))
        if not decision.permit:
            raise _Refusal(decision=decision, code=decision.code, question=question, about=about)
        # (5) promise
        record = self._record(incoming, caller, interaction, question, about, decision, now=now)
        receipt = await self._audit.promise(record, once=caller.once, epoch=epoch)
        started = self._world.clock.monotonic()
        try:
            # (6) forward, (7) check
            page = await self._forward(receipt, asked, about, incoming.version)
            body = self._write(caller.grant, asked, about, page, incoming.version)
            self._still(epoch)
        except RequestError as error:
            self._end(receipt, error.code, error.status, None, started)
            raise
        except BaseException:
            self._end(receipt, "cut_off", None, None, started)
            raise
        # (8) outcome
        self._end(receipt, "delivered", HTTPStatus.OK, page.count, started)
        return Reply(body=body)

    def _ask(
        self, grant: Grant, interaction: Interaction, purpose: str | None, emergency: str | None, now: datetime
    ) -> tuple[_Asked, Question]:
        """Find the request in the query table, and refuse what needs no look at a citizen.

        Raises:
            _Refusal: not listed, or refused whoever it is about.
        """
        usecase = self._usecases.by_scope(grant.scope)
        organisation = (
            self._registered.directory.find(grant.organization_ura, usecase.discovery_service)
            if usecase is not None and grant.organization_ura is not None
            else None
        )
        kind = organisation.facility_type if organisation is not None else None
        table = (
            choose_table(usecase, asker_type=kind, holder_type=self._holder_type, offered=(interaction.fhir_version,))
            if usecase is not None and kind is not None
            else None
        )
        asked: _Asked | None = None
        code = "not_listed"
        if usecase is not None and table is not None:
            try:
                asked = self._look_up(usecase, table, grant, interaction, now)
            except NotAllowedError as error:
                code = error.code
        question = Question(
            scope=grant.scope,
            usecase=usecase,
            table=table,
            step=asked.step if asked is not None else None,
            holder_type=self._holder_type,
            requester=Requester(
                ura=grant.organization_ura or "",
                name=grant.organization_name or "",
                registered=organisation is not None,
                facility_type=kind,
            ),
            user=_user(grant),
            purpose=purpose,
            break_glass=BreakGlass(reason=emergency) if emergency is not None else None,
        )
        early = refuse_early(question)
        if early is not None:
            raise _Refusal(decision=early, code=code if early.code == "not_listed" else early.code, question=question)
        if asked is None:
            raise _Refusal(decision=None, code=code, question=question)
        return asked, question

    def _look_up(self, usecase: UseCase, table: Table, grant: Grant, interaction: Interaction, now: datetime) -> _Asked:
        if interaction.kind == "page":
            return self._next_page(usecase, table, grant, interaction, now)
        permitted = self._allow[usecase.id, table.id].permit(interaction)
        selector = permitted.patient
        patient = self._named_for(grant, selector, now) if isinstance(selector, ByReference) else selector
        return _Asked(
            usecase=usecase,
            table=table,
            step=permitted.step,
            patient=patient,
            target=permitted.request.target,
            method=permitted.request.method,
            body=permitted.request.body,
            read_id=interaction.id or None,
        )

    def _named_for(self, grant: Grant, reference: ByReference, now: datetime) -> NamedFor:
        named = self._named.named(grant.grant_id, reference.type, reference.id, now)
        if named is None:
            raise NotAllowedError("not_named", "no page under this grant named this resource")
        return named

    def _next_page(
        self, usecase: UseCase, table: Table, grant: Grant, interaction: Interaction, now: datetime
    ) -> _Asked:
        cursor = open_cursor(interaction.cursor, grant=grant.grant_id, secret=self._vault.secret("grant"), now=now)
        step = table.step(cursor.step)
        fits = cursor.usecase == usecase.id and cursor.table == table.id
        if not fits or step is None or step.resource_type != interaction.type:
            raise NotAllowedError("cursor_not_valid", "the paging link is not valid here or has expired")
        return _Asked(
            usecase=usecase,
            table=table,
            step=step,
            patient=cursor,
            target=cursor.link,
            method="GET",
            body=None,
            read_id=None,
        )

    async def _about(self, version: FhirVersion, asked: _Asked) -> _About | None:
        """Bind the request to a citizen by our own Patient; ``None`` when our server can not say."""
        try:
            patient = asked.patient
            if isinstance(patient, BySearch):
                return _About(bsn=patient.bsn, records=await self._records.records_of(version, patient.bsn))
            named = frozenset({patient.id}) if isinstance(patient, ByLogicalId) else frozenset(patient.patient_ids)
            owners = {await self._records.citizen_of(version, record) for record in sorted(named)}
            if len(owners) != 1 or None in owners:
                return _About(bsn=None, records=frozenset())
            return _About(bsn=owners.pop(), records=named)
        except FactsUnavailableError as error:
            logger.warning("our own FHIR server could not say whose record it is", extra={"code": error.code})
            return None

    async def _facts(self, version: FhirVersion, question: Question, about: "_About | None", now: datetime) -> Facts:
        """Collect what the rules want to know about the citizen."""
        if about is None:
            return Facts(in_care=None, care_team=CareTeamFact(available=False), consent=ConsentFact(verdict="none"))
        if about.bsn is None or not about.records:
            return Facts(in_care=False, care_team=CareTeamFact(), consent=ConsentFact(verdict="none"))
        try:
            everywhere = about.records | await self._records.records_of(version, about.bsn)
            members = await self._records.care_team(version, everywhere)
            care_team = CareTeamFact(uras=frozenset(member.ura for member in members))
        except FactsUnavailableError as error:
            logger.warning("our own FHIR server could not show the care team", extra={"code": error.code})
            care_team = CareTeamFact(available=False)
        consent = await self._consents.verdict(
            subject=self._subject,
            patient=self._pseudonym(about.bsn),
            ura=question.requester.ura,
            facility_type=question.requester.facility_type,
            category=question.usecase.data_category if question.usecase is not None else "",
            now=now,
        )
        return Facts(in_care=True, care_team=care_team, consent=consent)

    async def _forward(
        self, receipt: Receipt, asked: _Asked, about: "_About | None", version: FhirVersion
    ) -> CheckedPage:
        """Ask our own FHIR server, now that it is promised, and check what it says.

        Raises:
            RequestError: it could not answer, or answered what must not leave.
        """
        assert receipt.seq > 0  # a receipt is proof that the promise is on disk
        assert about is not None  # the decision permitted, so somebody is known
        server = self._own[version]
        headers = {"Accept": FHIR_JSON} | ({"Content-Type": FORM_TYPE} if asked.body is not None else {})
        answer = await self._send(server, asked, headers)
        if answer.status != HTTPStatus.OK:
            if asked.read_id is not None and answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
                raise RequestError(404, "gone", "not found")
            raise RequestError(502, f"own_server_{answer.status}", "the answer is not available")
        try:
            return check_page(
                answer.body,
                step=asked.step,
                fhir_version=version,
                patient_ids=about.records,
                bases=server.bases,
                bsn=about.bsn,
                read_id=asked.read_id,
                origin="own_server",
            )
        except AnswerError as error:
            mismatch = isinstance(error, MismatchError)
            logger.error(  # an alarm, without the trace that would hold the page
                "ALARM: a page of our own FHIR server was withheld"
                if mismatch
                else "our own FHIR server answered wrongly",
                extra={"subject": self._subject, "step": asked.step.id, "code": error.code, "seq": receipt.seq},
            )
            code = f"withheld_{error.code}" if mismatch else f"own_server_{error.code}"
            raise RequestError(502, code, "the answer is not available") from error

    async def _send(self, server: OwnServer, asked: _Asked, headers: Mapping[str, str]) -> HttpResponse:
        url = f"{server.url}{'' if asked.target.startswith('?') else '/'}{asked.target}"
        try:
            return await self._world.own.send(
                HttpRequest(
                    method=asked.method,
                    url=url,
                    headers=headers,
                    body=asked.body,
                    max_bytes=self._page_bytes,
                    timeout=self._timeout,
                )
            )
        except PeerError as error:
            logger.warning("our own FHIR server did not answer", extra={"code": error.code})
            status = 504 if error.code == "timeout" else 502
            raise RequestError(status, f"own_server_{error.code}", "the answer is not available") from error

    def _write(
        self,
        grant: Grant,
        asked: _Asked,
        about: "_About | None",
        page: CheckedPage,
        version: FhirVersion,
    ) -> bytes:
        """Write the page that leaves; remember what it names, seal where it goes on."""
        assert about is not None  # see _forward
        records = about.records or frozenset()
        if asked.step.is_match:
            records = frozenset(resource.id for resource in page.resources if resource.mode == "match")
        for reading in asked.table.steps:
            for resource_id in page.bound.get(reading.read_binding or "", ()) if reading.kind == "read" else ():
                self._named.remember(
                    grant.grant_id,
                    reading.resource_type,
                    resource_id,
                    NamedFor(patient_ids=records, expires_at=grant.expires_at),
                )
        public_base = f"{self._public_url}/fhir/{self._subject}/{version}"
        inner = self._own[version].bases.urls
        if page.kind == "resource":
            return write_resource(page, public_base=public_base, inner_bases=inner)
        next_url = None
        if page.next_link is not None:
            cursor = Cursor(
                usecase=asked.usecase.id,
                table=asked.table.id,
                step=asked.step.id,
                patient_ids=tuple(sorted(about.records)),
                link=page.next_link,
                expires_at=grant.expires_at,
            )
            try:
                sealed = seal_cursor(
                    cursor,
                    grant=grant.grant_id,
                    secret=self._vault.secret("grant"),
                    nonce=self._world.entropy.token(NONCE_BYTES),
                )
            except ValueError as error:
                raise RequestError(502, "own_server_link_too_long", "the answer is not available") from error
            next_url = f"{public_base}/{asked.step.resource_type}?{CURSOR_PARAMETER}={sealed}"
        return write_searchset(page, public_base=public_base, inner_bases=inner, next_url=next_url)

    def _still(self, epoch: int) -> None:
        """Check, last thing before the first byte leaves, that nothing was taken away meanwhile."""
        if self._audit.current_epoch() != epoch:
            raise _later("decision_unstable")

    async def _refuse(
        self, incoming: Incoming, caller: Caller, interaction: Interaction | None, refusal: _Refusal
    ) -> Reply:
        """Record a refusal, then say no in the way that tells nothing more."""
        reference = self._world.entropy.token(REFERENCE_BYTES).hex()
        record = self._record(
            incoming,
            caller,
            interaction,
            refusal.question,
            refusal.about,
            refusal.decision,
            now=self._world.clock.now(),
            code=refusal.code,
            reference=reference,
        )
        try:
            await self._audit.record(record, once=caller.once)
        except AlreadyUsedError as error:
            self._counter.count(incoming.address, "proof_replayed")
            raise _login() from error
        except AuditUnavailableError as error:
            raise _later("audit_unavailable") from error
        logger.info("refused a peer", extra={"code": refusal.code, "reference": reference, "subject": self._subject})
        answer = refusal.decision.answer if refusal.decision is not None else "forbidden"
        if refusal.about is not None:
            await self._pace(incoming.received)
        if answer == "empty":
            return Reply(body=empty_searchset())
        if answer == "unavailable":
            raise RequestError(502, refusal.code, "not available", headers={REFERENCE_HEADER: reference})
        raise RequestError(403, refusal.code, "refused", headers={REFERENCE_HEADER: reference})

    async def _pace(self, received: float) -> None:
        """Wait until the next multiple of :data:`PACE` after the request came in."""
        passed = self._world.clock.monotonic() - received
        await self._world.clock.sleep(max(0.0, math.ceil(passed / PACE) * PACE - passed))

    def _record(
        self,
        incoming: Incoming,
        caller: Caller,
        interaction: Interaction | None,
        question: Question | None,
        about: "_About | None",
        decision: Decision | None,
        *,
        now: datetime,
        code: str | None = None,
        reference: str | None = None,
    ) -> AuditRecord:
        grant = caller.grant
        permit = decision is not None and decision.permit
        usecase = question.usecase if question is not None else None
        step = question.step if question is not None else None
        asked = question.purpose if question is not None else incoming.purpose
        return AuditRecord(
            kind="disclosure" if permit else "refusal",
            direction="inbound",
            subject=self._subject,
            at=now,
            usecase=usecase.id if usecase is not None else None,
            step=step.id if step is not None else None,
            purpose=asked or (usecase.purposes[0] if usecase is not None else None),
            patient=self._pseudonym(about.bsn) if about is not None and about.bsn is not None else None,
            peer_ura=grant.organization_ura,
            peer_name=grant.organization_name,
            peer_did=grant.holder,
            address=incoming.address,
            user_id=grant.user_identifier,
            user_name=grant.user_name,
            user_role=grant.user_role,
            user_evidence=grant.user_evidence,
            interaction=interaction.summary if interaction is not None else f"{incoming.method} not understood",
            query=_query_text(interaction),
            reason=incoming.break_glass,
            decision="permit" if permit else "deny",
            code=code or (decision.code if decision is not None else "refused"),
            rules=decision.rules if decision is not None else (),
            reference=reference,
            grant_id=grant.grant_id,
        )

    def _end(self, receipt: Receipt, state: str, status: int | None, count: int | None, started: float) -> None:
        ms = int((self._world.clock.monotonic() - started) * 1000)
        self._audit.outcome(receipt, Outcome(state=state, status=status, count=count, ms=ms))

    def _pseudonym(self, bsn: str) -> str:
        return pseudonym(self._vault.secret("pseudonym"), bsn)


def _parse(incoming: Incoming) -> Interaction:
    try:
        return Interaction.parse(
            incoming.method,
            incoming.path,
            incoming.query,
            incoming.content_type,
            incoming.body,
            fhir_version=incoming.version,
        )
    except NotAllowedError as error:
        raise _Refusal(decision=None, code=error.code) from error


def _user(grant: Grant) -> User | None:
    if not grant.user_identifier:
        return None
    return User(
        id=grant.user_identifier,
        name=grant.user_name or "",
        role=grant.user_role or "",
        evidence=grant.user_evidence or "",
    )


def _query_text(interaction: Interaction | None) -> str | None:
    if interaction is None:
        return None
    pairs = "&".join(f"{name}={value}" for name, value in interaction.params)
    target = f"{interaction.type}/{interaction.id}" if interaction.id else interaction.type
    return f"{target}?{pairs}" if pairs else target


def _login() -> RequestError:
    return RequestError(401, "login", "log in", headers={"WWW-Authenticate": CHALLENGE})


def _later(code: str) -> RequestError:
    return RequestError(503, code, "not available now", "try again later", headers={"Retry-After": "5"})
