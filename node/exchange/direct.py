"""One FHIR query to one peer, for systems that chain queries themselves (API.md §2): the same plan, checks and records as a question.

The request has to be one that the use case lists, exactly as a holder would demand; what is sent is written by us from the table. The
patient comes first: who was found by ``POST Patient/_search`` may be asked about by logical id, by the same person, for 15 minutes.
What comes back is checked whole; paging links lead back through here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from node.audit.log import AuditUnavailableError
from node.exchange.allowlist import AllowList, ByLogicalId, BySearch, Permitted
from node.exchange.asking import Asking, Query
from node.exchange.deadline import deadline
from node.exchange.interaction import Interaction
from node.exchange.lines import Lines
from node.exchange.outbound import Broker
from node.exchange.question import AskingUser, BreakGlass, Patient, Question
from node.exchange.response import CheckedPage
from node.exchange.session import Talk, Whose
from node.exchange.under_way import Exchange, Holder, StepError
from node.exchange.unlisted import NotAllowedError
from node.usecases.identifiers import BSN_SYSTEM
from node.usecases.model import Purpose, Step, UseCase
from node.usecases.plan import FhirRequest
from node.web.replies import RequestError

MAX_NAMED = 4_096
"""Ids that one conversation remembers per kind; reading more than that by reference begins with a new patient match."""
LINK_BYTES = 16

_STATUS = {"not_available": 403, "not_offered": 501, "timeout": 504}
_REMEDY = {
    "not_available": "the organisation does not tell why; it may have refused, or not know the patient",
    "not_offered": "ask another step of the use case",
    "timeout": "ask again",
    "unreachable": "ask again later; see: hazel status",
    "mismatch": "the answer was dropped; the operator's log has the details",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectRequest:
    """One request as a vendor's system sent it; ``path`` is behind our ``…/{subject}/{URA}/``."""

    user: AskingUser
    purpose: Purpose
    break_glass: BreakGlass | None
    method: str
    path: str
    query: str
    content_type: str | None
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectAnswer:
    """A checked page.

    Attributes:
        link: our name of the next page, to be put behind ``{type}?_cursor=``; ``None`` on the last.
        audit: number of our own record.
    """

    page: CheckedPage
    holder: Holder
    type: str
    link: str | None
    exchange_id: str
    audit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be sent: a listed query, or a page of one; ``talk`` is what it goes on from."""

    step: Step
    query: Query
    read_id: str | None
    bsn: str = field(repr=False)
    talk: Talk | None = None


class Direct:
    """Asks one query at a time, by the means of a broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._means = broker.means

    async def ask(self, subject: str, usecase: UseCase, ura: str, asked: DirectRequest) -> DirectAnswer:
        """Ask one query of the organisation ``ura``.

        Raises:
            RequestError: it may not be asked, or there is no answer; ``code`` is the state or reason of API.md §2.
        """
        # (1) who asks, and for what
        planner = self._broker.planner
        planner.check_asker(usecase, asked.purpose, asked.user.role)
        # (2) whom: the organisation has to take part
        holder = planner.locate(usecase, ura, asked.user.role)
        # (3) what: a listed request, nothing else
        whose = self._whose(subject, usecase, holder, asked)
        try:
            interaction = Interaction.parse(
                asked.method, asked.path, asked.query, asked.content_type, asked.body, fhir_version=holder.version
            )
            plan = self._plan(holder, whose, interaction)
        except NotAllowedError as error:
            raise RequestError(403, error.code, error.message, f"hazel usecase show {usecase.id}") from error
        # (4) what is given on request, for a purpose that suffices for that
        planner.check_more(usecase, [plan.step], asked.purpose, "Purpose-Of-Use")
        # (5) ask it
        exchange = self._exchange(subject, usecase, asked, plan)
        page = await self._send(exchange, holder, plan)
        return self._answer(exchange, holder, whose, plan, page)

    def _whose(self, subject: str, usecase: UseCase, holder: Holder, asked: DirectRequest) -> Whose:
        return Whose(
            subject=subject,
            user=asked.user.identifier,
            role=asked.user.role,
            purpose=asked.purpose,
            patient="",  # found by what was named
            usecase=f"{usecase.id} {usecase.version}",
            table=holder.table.id,
            holder=holder.ura,
            base=holder.base,
        )

    def _plan(self, holder: Holder, whose: Whose, interaction: Interaction) -> _Plan:
        memory = self._means.memory
        # (a) a page of an earlier answer, by the name that we gave its link
        if interaction.kind == "page":
            for talk in memory.talks(whose):
                found = talk.links.get(interaction.cursor)
                step = holder.table.step(found[0]) if found else None
                if found and step:
                    request = FhirRequest(method="GET", path=step.resource_type)
                    return _Plan(
                        step=step,
                        query=_query(step, request, following=found[1]),
                        read_id=None,
                        bsn=talk.bsn,
                        talk=talk,
                    )
            raise RequestError(410, "unknown_link", "this page is not remembered any more", "ask the query again")
        permitted = AllowList(holder.table).permit(interaction)
        query = _query(permitted.step, permitted.request)
        # (b) the patient match
        if isinstance(permitted.patient, BySearch):
            return _Plan(step=permitted.step, query=query, read_id=None, bsn=permitted.patient.bsn)
        # (c) about a patient who was found, or what an answer about them named
        talk = self._talk(whose, permitted)
        read_id = interaction.id if permitted.step.kind == "read" else None
        return _Plan(step=permitted.step, query=query, read_id=read_id, bsn=talk.bsn, talk=talk)

    def _talk(self, whose: Whose, permitted: Permitted) -> Talk:
        selector = permitted.patient
        if isinstance(selector, ByLogicalId):
            talk = self._means.memory.talk(whose, selector.id)
            if talk is not None:
                return talk
        elif not isinstance(selector, BySearch):
            binding = permitted.step.read_binding or ""
            for each in self._means.memory.talks(whose):
                if selector.id in each.named.get(binding, ()):
                    return each
        raise RequestError(
            409,
            "patient_not_matched",
            "this was not named by an answer that the same person got in the last 15 minutes",
            "first find the patient: POST Patient/_search with the BSN in the body",
        )

    def _exchange(self, subject: str, usecase: UseCase, asked: DirectRequest, plan: _Plan) -> Exchange:
        world = self._means.world
        question = Question(
            patient=Patient(system=BSN_SYSTEM, value=plan.bsn),
            user=asked.user,
            purpose=asked.purpose,
            break_glass=asked.break_glass,
        )
        return Exchange(
            id=world.entropy.uuid(),
            subject=subject,
            usecase=usecase,
            question=question,
            started=world.clock.monotonic(),
            lines=Lines(),
        )

    async def _send(self, exchange: Exchange, holder: Holder, plan: _Plan) -> CheckedPage:
        asking = Asking(self._means, exchange, holder, self._broker.room(holder.ura))
        if plan.talk is not None:
            asking.bindings |= plan.talk.named
        try:
            async with deadline(self._means.world.clock, self._means.limits.question):
                page = await asking.page(plan.query)
        except StepError as error:
            raise RequestError(
                _STATUS.get(error.state, 502),
                error.state if error.state != "failed" else error.reason,
                f"{holder.ura} gave no answer that can be used ({error.reason})",
                _REMEDY.get(error.state),
            ) from error
        except TimeoutError as error:
            raise RequestError(504, "timeout", "no answer in time", "ask again") from error
        except AuditUnavailableError as error:
            raise RequestError(
                503, "audit_unavailable", "the audit log can not be written, so nothing is asked", "hazel status"
            ) from error
        return page.checked

    def _answer(self, exchange: Exchange, holder: Holder, whose: Whose, plan: _Plan, page: CheckedPage) -> DirectAnswer:
        memory, talk = self._means.memory, plan.talk
        patients = page.bound.get("patient", ())
        if plan.step.is_match and patients:
            talk = memory.begin_talk(whose, plan.bsn, page.bound, patients)
        elif talk is not None:
            for name, ids in page.bound.items():
                if name != "patient":  # whom it is about was settled by the match
                    talk.named[name] = tuple(dict.fromkeys((*talk.named.get(name, ()), *ids)))[:MAX_NAMED]
        link = None
        if page.next_link is not None and talk is not None:
            link = self._means.world.entropy.token(LINK_BYTES).hex()
            memory.name_link(talk, link, plan.step.id, page.next_link)
        return DirectAnswer(
            page=page if link is not None else replace(page, next_link=None),
            holder=holder,
            type=plan.step.resource_type,
            link=link,
            exchange_id=exchange.id,
            audit=_only(exchange.audit),
        )


def _query(step: Step, request: FhirRequest, *, following: str | None = None) -> Query:
    if following is not None:
        return Query(step=step, request=request, method="GET", target=following, body=None, following=True)
    return Query(
        step=step,
        request=request,
        method=request.method,
        target=request.target,
        body=request.body,
        following=False,
    )


def _only(numbers: Sequence[int]) -> int:
    return numbers[0]
